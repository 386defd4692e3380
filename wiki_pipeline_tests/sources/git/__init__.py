"""The Git source, against real repositories: made by Git, served by Git."""
