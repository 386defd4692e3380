"""The demo: sources to see when nothing is configured, and the servers that play them.

`confluence` and `jira` are the servers, made of `serving`, `web` and `faults`.
`sources` is what the catalog has of them.
"""
