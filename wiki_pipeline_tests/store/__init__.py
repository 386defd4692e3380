"""Tests of the tables: real LanceDB folders, real other processes, real kills."""
