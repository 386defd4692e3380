"""HTTP: the wiki's pages, search, and what operators and programs ask. The only room that knows FastAPI."""
