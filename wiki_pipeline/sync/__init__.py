"""The sync engine: one source brought up to date by one writer, whatever the stages do.

`pipeline` opens settings, catalog and tables. `session` is one sync with its lease, `claim` the freshness events that
it settles. `drivers` and `conversion` turn batches of one table into batches of the next, `workers` share that between
processes.
"""
