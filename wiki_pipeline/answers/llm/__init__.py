"""Calls of language models: any endpoint that speaks OpenAI's chat completions, within budgets.

Knows messages, tokens and prices; of pages, citations and questions it knows nothing. The only part of this room that
imports openai.
"""

from wiki_pipeline.answers.llm.calls import ChatModel, ChatRequest, Message, Purse, open_chat
from wiki_pipeline.answers.llm.endpoint import ChatText, ContextOverflowError, End
from wiki_pipeline.answers.llm.settings import ChatSettings
from wiki_pipeline.answers.llm.usage import Usage

__all__ = [
    "ChatModel",
    "ChatRequest",
    "ChatSettings",
    "ChatText",
    "ContextOverflowError",
    "End",
    "Message",
    "Purse",
    "Usage",
    "open_chat",
]
