"""Files that hang on pages."""
