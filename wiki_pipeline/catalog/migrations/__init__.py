"""Alembic's folder: the steps from an empty database to the newest schema, in one transaction each start."""
