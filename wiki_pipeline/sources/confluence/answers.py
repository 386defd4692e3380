"""What Confluence's answers mean: `sources.http.answers`, in Confluence's words."""

from __future__ import annotations

from wiki_pipeline.errors import SourceNotFoundError, SourceUnreachableError, WikiPipelineError
from wiki_pipeline.sources.http import answers
from wiki_pipeline.sources.http.answers import (
    Answer,
    ForbiddenError,
    Json,
    NotTheApiError,
    Product,
    RefusedError,
    TooLargeError,
    is_certificate_problem,
    retry_after,
)

__all__ = [
    "CONFLUENCE",
    "Answer",
    "ForbiddenError",
    "Json",
    "NotTheApiError",
    "RefusedError",
    "SpaceNotFoundError",
    "TooLargeError",
    "explain",
    "explain_transport",
    "is_certificate_problem",
    "read_json",
    "retry_after",
]

CONFLUENCE = Product(
    name="Confluence",
    variable="CONFLUENCE",
    visible="space",
    contexts="/wiki, /confluence",
    gone="Set WIKI_PIPELINE_CONFLUENCE_API to v2 or auto.",
)


class SpaceNotFoundError(SourceNotFoundError):
    """The API is there, and says that the space is not."""


def read_json(answer: Answer, what: str) -> Json:
    """See `sources.http.answers.read_json`."""
    return answers.read_json(answer, what, CONFLUENCE)


def explain(answer: Answer, what: str) -> WikiPipelineError:
    """See `sources.http.answers.explain`."""
    return answers.explain(answer, what, CONFLUENCE)


def explain_transport(error: Exception, what: str) -> SourceUnreachableError:
    """See `sources.http.answers.explain_transport`."""
    return answers.explain_transport(error, what, CONFLUENCE)
