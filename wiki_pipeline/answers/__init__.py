"""Answers to questions, from what the sources hold: with citations, with a language model or without one.

retrieve    finds chunks that the asker may read
cite        makes a citation of each: document, version, place, addresses, staleness
extract     quotes the sentences that answer best: the whole way, without a model
pack        puts chunks into a prompt, within a number of tokens
ask         goes from a question to an answer, and falls back to quoting whatever goes wrong
markers     reads `[c3]` out of a model's text while it comes
check       holds every sentence against what it cites
writing     a model writes from chunks, and what it writes is read
durable     rows with numbered events that are made while people watch
running     makes answers durably
research/   takes a question apart and looks it up step by step, to a report
llm/        calls models within budgets; knows neither pages nor citations

Knows neither HTTP nor Dagster.
"""
