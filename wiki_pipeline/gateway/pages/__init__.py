"""The pages for people: HTML without anything from elsewhere."""
