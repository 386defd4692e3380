"""Starting everything, keeping it running, and stopping it."""
