"""Tests of how documents are cut into segments."""
