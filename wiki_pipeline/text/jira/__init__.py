"""Jira's issues as Markdown, and its query language as far as it can be answered from what is synced."""
