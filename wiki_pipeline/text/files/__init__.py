"""Files of repositories and attachments (Markdown, reStructuredText, AsciiDoc, notebooks, source code) as Markdown."""
