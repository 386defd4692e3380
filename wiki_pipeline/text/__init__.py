"""Pure functions from text to text: documents to Markdown (`clean`), to chunks (`chunk`), to vectors (`embed`)."""
