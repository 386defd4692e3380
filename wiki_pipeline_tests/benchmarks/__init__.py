"""Benchmarks: ratios against peers, measured side by side in one run. `make bench` runs them all.

`python -m wiki_pipeline_tests.benchmarks NAME --pages N` runs one of them at a size and prints its table. Every program
that is measured (`programs`, `peers`) is a process of its own, which times its work apart from its start; ours and
the peer's take turns, so that a busy machine slows both.
"""
