"""What operators do with an installation: look whether all of it works, back it up, and bring it back."""
