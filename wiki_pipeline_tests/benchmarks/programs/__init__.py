"""What is measured of ours: each a program of its own that prints its figures as JSON."""
