"""Tests of how documents are cut into passages."""
