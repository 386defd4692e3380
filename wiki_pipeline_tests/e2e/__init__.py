"""Tests from end to end: what a person does and sees, with real processes where processes matter."""
