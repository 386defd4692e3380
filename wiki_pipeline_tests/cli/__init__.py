"""The command line as people and programs meet it: what it prints, and how it ends."""
