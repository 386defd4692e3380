"""What may have changed upstream, who looks at it, and what is served behind it.

webhooks, polls, schedules, people        write events (`catalog.events`)
polling.poll                              looks what webhooks missed, and makes events of it
claiming.resolve                          finds the sources of events that name a document only
claiming.claim_work                       makes one piece of work a source of them
claiming.stalled                          says whether work waits that no sync takes up
sync.session.open_sync                    does the work and settles it
staleness.staleness                       says what is behind: which document, since when, why
figures.freshness                         counts it, and how long changes take to be served
left_behind.follow                        makes events of what a sync left behind in other sources
alerting.alert                            reports problems to people, each once
"""

from wiki_pipeline.freshness.alerting import alert, alert_sync, close_solved
from wiki_pipeline.freshness.claiming import Stalled, claim_work, free_lost_claims, resolve, stalled, wait_until
from wiki_pipeline.freshness.figures import FreshnessReport, Lag, freshness, together
from wiki_pipeline.freshness.left_behind import follow, left_behind
from wiki_pipeline.freshness.polling import Polled, poll, poll_all
from wiki_pipeline.freshness.resync import cancel, request_overdue, request_resync, resync_of
from wiki_pipeline.freshness.staleness import (
    Condition,
    Reason,
    SourceStaleness,
    StaleDocument,
    stale_documents,
    staleness,
)
from wiki_pipeline.freshness.staleness_cache import StalenessCache

__all__ = [
    "Condition",
    "FreshnessReport",
    "Lag",
    "Polled",
    "Reason",
    "SourceStaleness",
    "StaleDocument",
    "StalenessCache",
    "Stalled",
    "alert",
    "alert_sync",
    "cancel",
    "claim_work",
    "close_solved",
    "follow",
    "free_lost_claims",
    "freshness",
    "left_behind",
    "poll",
    "poll_all",
    "request_overdue",
    "request_resync",
    "resolve",
    "resync_of",
    "stale_documents",
    "staleness",
    "stalled",
    "together",
    "wait_until",
]
