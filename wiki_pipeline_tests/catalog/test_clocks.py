"""Clocks that jump an hour, either way: no lease, claim or wait is longer or shorter for it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from wiki_pipeline.catalog import Catalog, Claim, EventBatch, Origin, Retry
from wiki_pipeline.catalog.steady import STEP_SECONDS, boot
from wiki_pipeline.errors import LeaseHeldError, LeaseLostError
from wiki_pipeline.model import ChangeHint, SourceKey
from wiki_pipeline_tests.catalog.clocks import jump, seconds
from wiki_pipeline_tests.catalog.test_leases import NAME, change_lease, wait_until

pytestmark = [
    pytest.mark.security,
    pytest.mark.parametrize("by", [timedelta(hours=1), timedelta(hours=-1)], ids=["forward", "back"]),
    pytest.mark.parametrize("elsewhere", [False, True], ids=["one machine", "several"]),
]
LEASE_SECONDS = 60.0
OTHER_CONTAINER = f"{boot()}/pid:[1]"  # whose processes can't be seen from here


def test_a_living_holder_keeps_its_lease(catalog: Catalog, url: str, by: timedelta, elsewhere: bool) -> None:
    with catalog.lease(NAME, LEASE_SECONDS) as lease:
        change_lease(url, pid_space=OTHER_CONTAINER)
        jump(url, by, elsewhere=elsewhere)
        assert catalog.is_held(NAME)
        with Catalog(url) as other, pytest.raises(LeaseHeldError), other.lease(NAME, LEASE_SECONDS):
            pass
        lease.check()


def test_a_dead_holder_loses_its_lease_in_its_time(catalog: Catalog, url: str, by: timedelta, elsewhere: bool) -> None:
    with pytest.raises(LeaseLostError), catalog.lease(NAME, LEASE_SECONDS):
        change_lease(url, pid_space=OTHER_CONTAINER, token="of a process that is dead now")
    jump(url, by, elsewhere=elsewhere)
    change_lease(url, ends=seconds(url) + 1.0)
    with catalog.lease(NAME, LEASE_SECONDS, wait=STEP_SECONDS * 3) as lease:
        lease.check()


def test_a_claim_that_runs_is_not_over(
    catalog: Catalog, url: str, source: SourceKey, by: timedelta, elsewhere: bool
) -> None:
    catalog.events.record([_said(source, "1")])
    (claim,) = catalog.claims.claim("default", LEASE_SECONDS)
    jump(url, by, elsewhere=elsewhere)
    assert catalog.claims.expired("default") == []
    assert catalog.claims.keep(claim.claim_id, 0.0)
    assert [record.claim_id for record in catalog.claims.expired("default")] == [claim.claim_id]


def test_what_failed_is_tried_again_after_its_wait(
    catalog: Catalog, url: str, source: SourceKey, by: timedelta, elsewhere: bool
) -> None:
    """However long it is since the event was received."""
    catalog.events.record([_said(source, "1"), _said(None, "2")])
    jump(url, timedelta(hours=5))
    (claim,) = catalog.claims.claim("default", LEASE_SECONDS)
    catalog.claims.fail(claim.claim_id, "It failed.", Retry(8, first=0.01))
    jump(url, by, elsewhere=elsewhere)
    assert [event.document_id for event in catalog.events.unresolved("default")] == ["2"]
    # Who asks for work, again and again, is who counts the time.
    found: list[Claim] = []

    def ask() -> bool:
        found.extend(catalog.claims.claim("default", LEASE_SECONDS))
        return bool(found)

    wait_until(ask)
    assert [again.documents for again in found] == [("1",)]


def _said(source: SourceKey | None, document_id: str) -> EventBatch:
    return EventBatch("default", Origin.WEBHOOK, [ChangeHint("git", source, document_id)])
