"""What we measure ourselves against: each peer is a program of its own that prints its figures as JSON."""
