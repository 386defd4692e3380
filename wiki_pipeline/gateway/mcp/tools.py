"""The tools that agents call, all in one table; those for searching and reading are in `search`, those about freshness
in `freshness`.

A tool is a function from who asks and its arguments to its answer, both Pydantic models, whose schemas and descriptions
are what agents get to see. It is called in a thread and may block.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field

from wiki_pipeline.answers.answer import Outcome
from wiki_pipeline.answers.cite import Citation
from wiki_pipeline.answers.retrieve import MAX_QUESTION, Question
from wiki_pipeline.gateway.api.ask import found_conversation
from wiki_pipeline.gateway.api.restrictions import Restricted
from wiki_pipeline.gateway.mcp.addresses import PageAddress, short
from wiki_pipeline.gateway.mcp.freshness import Nothing, Sources, Standings, Whose, freshness, list_sources
from wiki_pipeline.gateway.mcp.reading import Asker
from wiki_pipeline.gateway.mcp.research import ResearchAsked, ResearchTold, research
from wiki_pipeline.gateway.mcp.search import (
    Id,
    Page,
    PassageQuery,
    Passages,
    Query,
    Results,
    fetch,
    search,
    search_passages,
    shortened,
)
from wiki_pipeline.model import SourceKey

Arguments = TypeVar("Arguments", bound=BaseModel)
Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Tool(Generic[Arguments, Answer]):
    """A tool. All of them only read.

    Attributes:
        description: for the agent that decides whether to call it.
        run: raises a `WikiPipelineError` where the agent should know why there is no answer.
    """

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    answer: type[Answer]
    run: Callable[[Asker, Arguments], Answer]


# --- answers -----------------------------------------------------------------------------------------------------


class Asking(Restricted):
    """A question."""

    question: str = Field(min_length=1, max_length=MAX_QUESTION, description="In any language.")
    conversation_id: str = Field(
        "", max_length=100, description="Of an earlier answer that this question follows up; empty for a new one."
    )


class Reference(BaseModel):
    """What an answer stands on."""

    id: str = Field(description="As the answer's text marks it, `c3`.")
    page: str = Field(description="For `fetch`.")
    title: str
    url: str = Field(description="Where people read it: cite this.")
    source: str
    headings: list[str]
    lines: tuple[int, int] | None
    version: str
    author: str
    modified: str | None
    text: str = Field(description="The passage.")
    stale: str | None = Field(description="How the page is behind what is upstream; null if it is not.")


class Replied(BaseModel):
    """An answer with what it stands on."""

    conversation_id: str = Field(description="For a question that follows up.")
    outcome: Outcome = Field(description="`answered`; `nothing`: what is here does not answer it.")
    text: str = Field(description="The answer with markers `[c3]`; quoted passages where no model is set up.")
    doubts: list[str] = Field(description="Sentences that cite nothing, or say what their citations do not hold.")
    notes: list[str] = Field(description="What else should be known of the answer.")
    references: list[Reference]


def ask(asker: Asker, asked: Asking) -> Replied:
    """An answer, as `/v1/ask` gives it; it is kept as the asker's conversation."""
    serving = asker.serving
    question = Question(text=asked.question, filters=asked.filters(serving), chunks=serving.settings.answer_chunks)
    if asked.conversation_id:
        found_conversation(serving, asked.conversation_id)
    with serving.admitted():
        record = serving.answering.begin(serving.principal, question, asked.conversation_id)
    answer = serving.answering.run(record, serving.principal.scope)
    doubtful = [one for one in answer.sentences if one.missing or not one.citations]
    quoted = "\n\n".join(f"{passage.text} [{passage.citation}]" for passage in answer.passages)
    return Replied(
        conversation_id=record.conversation_id,
        outcome=answer.outcome,
        text=answer.text or quoted,
        doubts=[answer.text[one.begin : one.end].strip() for one in doubtful],
        notes=[note.message for note in answer.notes],
        references=[_reference(asker, citation) for citation in answer.used],
    )


def _reference(asker: Asker, citation: Citation) -> Reference:
    page = PageAddress(SourceKey.parse(citation.source).slug, citation.document_id, short(citation.version))
    return Reference(
        id=citation.id,
        page=str(page),
        title=citation.title or "Untitled",
        url=asker.link(citation.wiki_url, citation.url, page),
        source=citation.source_title,
        headings=list(citation.headings),
        lines=(citation.start_line, citation.end_line) if citation.start_line else None,
        version=citation.version,
        author=citation.author,
        modified=citation.modified_at,
        text=shortened(citation.text),
        stale=citation.stale.detail if citation.stale else None,
    )


TOOLS: tuple[Tool[Any, Any], ...] = (
    Tool(
        "search",
        "Search",
        "Search the organisation's documentation: Confluence spaces, Git repositories and what else is kept here. "
        "Gives the pages that fit best, each with an id for `fetch`, its address, and whether it is out of date.",
        Query,
        Results,
        search,
    ),
    Tool(
        "fetch",
        "Read a page",
        "Read a page that `search` found, as Markdown, with its version, author, dates and freshness. A long page "
        "comes in sections: `metadata.continues` is the id of the next one, `metadata.contents` lists them all.",
        Id,
        Page,
        fetch,
    ),
    Tool(
        "search_passages",
        "Search passages",
        "Search for passages rather than pages, with their whole text, heading, lines and version; can be restricted "
        "to sources, labels, paths and dates. For questions that a few passages answer.",
        PassageQuery,
        Passages,
        search_passages,
    ),
    Tool(
        "ask",
        "Ask",
        "Ask a question; the answer is made from the passages that were found, and each of its sentences says on which "
        "it stands. Says so where nothing here answers it. For agents that would rather read themselves: `search`.",
        Asking,
        Replied,
        ask,
    ),
    Tool(
        "research",
        "Research",
        "Look into a question that takes several searches: it is taken apart, looked up step by step, checked for gaps "
        "and contradictions, and ends in a report with its sources. Begin with `question`; while the status is "
        "`running`, call again with the `research_id`.",
        ResearchAsked,
        ResearchTold,
        research,
    ),
    Tool(
        "list_sources",
        "List sources",
        "List what can be searched: each Confluence space and Git repository, how many pages it has, how fresh it is.",
        Nothing,
        Sources,
        list_sources,
    ),
    Tool(
        "freshness",
        "Show freshness",
        "Tell whether what is served here is up to date: of all sources, of one, or of one page; which pages are "
        "behind what is upstream, since when, and why. Ask before relying on a page for something that matters.",
        Whose,
        Standings,
        freshness,
    ),
)
"""All tools in the order in which agents see them. A new one is added here, and nowhere else."""
