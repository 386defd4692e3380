"""Tests, mirroring the package; with the Confluence test server, end-to-end tests and benchmarks."""
