"""Tests of the Confluence source."""
