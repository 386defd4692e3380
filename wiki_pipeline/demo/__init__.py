"""The demo: sources to see when nothing is configured, and the servers that play them."""
