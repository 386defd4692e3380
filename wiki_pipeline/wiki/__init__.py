"""The readable side: Markdown to safe HTML, links between pages, the navigation tree, and the site's templates.

Everything here is a function of its arguments; tables are read and pages are served elsewhere.
"""
