"""Research: a question is taken apart and looked up step by step, until a report with its sources stands.

report          what it finds, and the form of what it ends in
progress        how far it is: nothing but what its events say
plan            sub-questions without a model
contradictions  those that can be told without a model
prompt          what a model is told
assistant       what a model does, checked
research        the steps, one after another
running         makes reports durably; goes on after a restart
markdown        a report as a Markdown file
"""
