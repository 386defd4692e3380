"""Proofs that the Confluence test server is faithful, and that it catches what a wrong client sends."""
