"""Pure functions from text to text: documents to Markdown (`clean`), to passages (`chunk`), to vectors (`embed`)."""
