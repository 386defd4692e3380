"""The pictures of the README, taken of a running installation."""
