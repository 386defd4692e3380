"""The catalog, on SQLite and, where its programs are installed, on a PostgreSQL of the tests' own."""
