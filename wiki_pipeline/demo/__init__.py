"""The demo: sources to see when nothing is configured, and the servers that play them.

`confluence` is the server, `sources` what of it is in the catalog.
"""
