"""Tests of principals and scopes."""
