"""Tests of the wiki's pages: rendering, links, navigation."""
