"""Answers to questions, from what the sources hold: with citations, with a language model or without one.

retrieve    finds chunks that the asker may read
cite        makes a citation of each: document, version, place, addresses, staleness
extract     quotes the sentences that answer best: the whole way, without a model
pack        puts chunks into a prompt, within a number of tokens
ask         goes from a question to an answer, and falls back to quoting whatever goes wrong
markers     reads `[c3]` out of a model's text while it comes
check       holds every sentence against what it cites
running     makes answers while people watch, durably
llm/        calls models within budgets; knows neither pages nor citations

Knows neither HTTP nor Dagster.
"""
