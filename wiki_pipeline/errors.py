"""Errors as people read them.

Every error that can reach a person is a `WikiPipelineError`: one sentence on what failed and on which source or
document, and one on what to do. `code` is stable: programs may rely on it (HTTP answers, `--json` output).
No message holds a credential, a stack trace or an address with userinfo.
"""

from __future__ import annotations


class WikiPipelineError(Exception):
    """Base of all errors for people.

    Args:
        message: what failed, on which source or document.
        advice: what to do about it; empty where the message says it already.
    """

    code = "internal_error"

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()


class ConfigurationError(WikiPipelineError):
    """A setting, a partition key or a command-line argument is wrong. Nothing was done."""

    code = "bad_configuration"


class SourceError(WikiPipelineError):
    """A source as a whole could not be read. What was there before is still there."""

    code = "source_failed"


class SourceUnreachableError(SourceError):
    """The server did not answer, or answered with something else than its API, after all tries."""

    code = "source_unreachable"


class AccessDeniedError(SourceError):
    """Credentials are missing, wrong, or may not see this source."""

    code = "access_denied"


class SourceNotFoundError(SourceError):
    """The space, page, repository or branch does not exist, or the credentials may not see it."""

    code = "source_not_found"


class IncompleteListingError(SourceError):
    """A listing ended before its end. Nothing may be deleted on its account."""

    code = "incomplete_listing"


class MassDeletionError(SourceError):
    """A complete listing would drop more than half of a source. Nothing was deleted."""

    code = "mass_deletion"


class DocumentError(WikiPipelineError):
    """One document could not be read or converted. Its source goes on; the document is tried again next time."""

    code = "document_failed"


class WorkerError(WikiPipelineError):
    """The processes that convert documents can't be started. What was committed before stands."""

    code = "worker_failed"


class StoreError(WikiPipelineError):
    """The tables could not be read or written (disk full, storage out of reach). The last commit stands."""

    code = "store_failed"


class RerankError(WikiPipelineError):
    """The reranking endpoint failed or answered what can't be used. A search goes on in its own order."""

    code = "reranking_failed"


class EmbeddingError(WikiPipelineError):
    """The embedding model or endpoint failed, or returned vectors that must not be stored."""

    code = "embedding_failed"


class LeaseHeldError(WikiPipelineError):
    """Another process is writing this source at the moment."""

    code = "source_busy"


class LeaseLostError(WikiPipelineError):
    """This process was out of touch for longer than its lease, and another one took over. Nothing more was written."""

    code = "lease_lost"


class SyncInterruptedError(WikiPipelineError):
    """A person or the system stopped a sync half-way. What was committed before stands; the next sync does the rest."""

    code = "interrupted"


class SyncCancelledError(SyncInterruptedError):
    """A person cancelled the run of a sync. What was committed before stands; nothing starts it again by itself."""

    code = "cancelled"


class SyncTerminatedError(WikiPipelineError):
    """A person asked for a sync to stop. What was committed before stands; the next sync does the rest."""

    code = "terminated"


class JobNotFoundError(WikiPipelineError):
    """There is no job of that id, or it ended long ago."""

    code = "job_not_found"


class PageNotFoundError(WikiPipelineError):
    """There is no such page here: deleted or moved upstream, not synced yet, or never there."""

    code = "page_not_found"


class CursorExpiredError(WikiPipelineError):
    """What came after a place in the log of changes is not kept any more, or the place is of another log."""

    code = "changes_expired"


class PayloadError(WikiPipelineError):
    """The body of a request can't be understood. Nothing was done."""

    code = "bad_payload"


class NotAllowedError(WikiPipelineError):
    """Who asks may not do this. Nothing was done."""

    code = "not_allowed"


class NotThereError(WikiPipelineError):
    """There is no such account, session, token or member; or it is another's."""

    code = "not_there"


class LoginError(WikiPipelineError):
    """Somebody could not be logged in: the provider said so, what it said can't be trusted, or they have no access."""

    code = "login_failed"


class ThrottledError(WikiPipelineError):
    """There were too many wrong tries.

    Args:
        seconds: when the next one may follow.
    """

    code = "too_many_tries"

    def __init__(self, message: str, advice: str = "", seconds: float = 1.0) -> None:
        super().__init__(message, advice)
        self.seconds = seconds


class SignatureError(WikiPipelineError):
    """A message is not signed, or not with the secret. Nothing was done."""

    code = "bad_signature"


class CatalogError(WikiPipelineError):
    """The catalog's database is out of reach, busy for too long, full, or made by a newer program."""

    code = "catalog_failed"


class CatalogDamagedError(CatalogError):
    """The catalog's file is damaged. `wiki-pipeline up` sets it aside and makes a new one."""

    code = "catalog_damaged"


class ChangeRefusedError(CatalogError):
    """The catalog's rules don't allow a change, as an event of a source that is not there. Nothing was changed."""


class SearchError(WikiPipelineError):
    """A query or a filter can't be understood."""

    code = "bad_query"


class ModelError(WikiPipelineError):
    """The language model or its endpoint failed, or may not be used."""

    code = "model_failed"


class BudgetError(WikiPipelineError):
    """What may be spent on language models is used up. Nothing was sent."""

    code = "budget_exceeded"


class QuotaError(WikiPipelineError):
    """A quota is used up, or what is asked for would exceed it. Nothing was done; reading and deleting go on.

    Args:
        seconds: after which it begins anew; None: it does not by itself.
    """

    code = "quota_exceeded"

    def __init__(self, message: str, advice: str = "", seconds: float | None = None) -> None:
        super().__init__(message, advice)
        self.seconds = seconds


class AnswerNotFoundError(WikiPipelineError):
    """There is no answer or conversation of that id, or it is another person's."""

    code = "answer_not_found"


class ResearchNotFoundError(WikiPipelineError):
    """There is no research of that id, or it is somebody else's."""

    code = "research_not_found"


class BusyError(WikiPipelineError):
    """So much waits already that more would not be done in time. Nothing was done."""

    code = "busy"
