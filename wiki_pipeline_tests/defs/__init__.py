"""Tests of the Dagster graph on real instances."""
