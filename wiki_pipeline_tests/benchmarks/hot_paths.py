"""The hot paths in isolation, on one core: conversion, chunking, embedding, rendering."""

from __future__ import annotations

from collections.abc import Iterator

from wiki_pipeline_tests.benchmarks.figures import Figure
from wiki_pipeline_tests.benchmarks.measure import median, run, tell

PAGES = 1_000
ROUNDS = 3


def measure(pages: int | None = None) -> Iterator[Figure]:
    """The figures at the usual size, or at another."""
    size = pages or PAGES
    runs = []
    for number in range(1, ROUNDS + 1):
        runs.append(run("programs.hot_paths", size))
        tell(f"hot paths, round {number} of {ROUNDS}: {runs[-1]['seconds']:.1f} s")
    basis = f"{size:,} pages of {median(runs, 'bytes') / size:,.0f} bytes on average"
    for path in ("conversion", "chunking", "rendering"):
        yield Figure(f"One core, {path}", size / median(runs, path), "pages/s", basis, speed=True)
    texts = median(runs, "texts")
    basis = f"{texts:,.0f} chunks of {median(runs, 'characters') / texts:,.0f} characters on average"
    yield Figure("One core, embedding", texts / median(runs, "embedding"), "texts/s", basis, speed=True)
