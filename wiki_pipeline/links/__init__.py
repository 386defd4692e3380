"""Address grammars of every system (Confluence, Git forges, this wiki), and the index of what links where."""
