"""Attacks: what strangers may send, and what it may cost."""
