"""Tests of the gateway: real HTTP, real tables, a real browser."""
