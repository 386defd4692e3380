"""What a repository's wiki says beside its files, computed without a model: survey, structure, pages.

Pure functions in this order: `survey` makes facts of one file, `Repository` puts the facts of all together, `pages`
says which pages there are, what each is made from, and renders it as Markdown. Nothing here knows tables, Dagster or
HTTP; nothing of the repository is imported or run.
"""
