"""What may have changed upstream, who looks at it, and what is served behind it.

webhooks, polls, schedules, people        write events (`catalog.events`)
claiming.claim_work                       makes one piece of work a source of them
stages.sync.open_sync                     does the work and settles it
stale.stale_documents                     tells what is behind: which document, since when, why
"""

from wiki_pipeline.freshness.claiming import claim_work, free_lost_claims
from wiki_pipeline.freshness.polling import Polled, poll, poll_all
from wiki_pipeline.freshness.resolving import resolve
from wiki_pipeline.freshness.stale import Reason, StaleDocument, stale_documents

__all__ = [
    "Polled",
    "Reason",
    "StaleDocument",
    "claim_work",
    "free_lost_claims",
    "poll",
    "poll_all",
    "resolve",
    "stale_documents",
]
