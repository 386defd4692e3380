"""What Dagster itself says of a partition: out of date after an event, fresh after its run."""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from wiki_pipeline.definitions import defs
from wiki_pipeline.defs.sources import observation
from wiki_pipeline.demo.confluence import ConfluenceServer, Space
from wiki_pipeline.model import SourceKey
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.defs.daemon import run, tick, work
from wiki_pipeline_tests.defs.test_sensors import edit, say
from wiki_pipeline_tests.installation import ENG


def stale_status(instance: dg.DagsterInstance, asset: str, partition_key: str | None) -> StaleStatus:
    """As the page of the asset, or of its partition, shows it."""
    resolver = CachingStaleStatusResolver(instance, defs.resolve_asset_graph(), LoadingContextForTest(instance))
    return resolver.get_status(dg.AssetKey(asset), partition_key)


def status(instance: dg.DagsterInstance, key: SourceKey = ENG) -> StaleStatus:
    return stale_status(instance, "raw_pages", str(key))


def test_a_partition_is_out_of_date_from_the_event_until_its_run(
    instance: dg.DagsterInstance, opened: Pipeline, space: Space
) -> None:
    say(opened, "")
    assert status(instance) is StaleStatus.MISSING
    assert [result.success for result in work(instance)] == [True]
    assert status(instance) is StaleStatus.FRESH
    say(opened, edit(space, "Pumps"))
    (request,) = tick(instance)
    assert status(instance) is StaleStatus.STALE
    run(instance, request)
    assert status(instance) is StaleStatus.FRESH


def test_a_partition_is_out_of_date_from_the_poll_that_found_a_change(
    instance: dg.DagsterInstance, opened: Pipeline, space: Space
) -> None:
    say(opened, "")
    work(instance)
    assert defs.resolve_job_def("poll_sources").execute_in_process(instance=instance).success
    assert status(instance) is StaleStatus.FRESH
    edit(space, "Pumps")
    assert defs.resolve_job_def("poll_sources").execute_in_process(instance=instance).success
    assert status(instance) is StaleStatus.STALE
    assert len(work(instance)) == 1
    assert status(instance) is StaleStatus.FRESH


def test_what_happens_to_one_source_makes_no_other_out_of_date(
    instance: dg.DagsterInstance, opened: Pipeline, space: Space, confluence_datacenter: ConfluenceServer
) -> None:
    other = SourceKey("default", "confluence", "OPS")
    confluence_datacenter.space("OPS", "Operations").add("Rota", "<p>Who is on call.</p>")
    opened.catalog.add_source(other, opened.catalog.source(ENG).config.replace("ENG", "OPS"))  # type: ignore[union-attr]
    say(opened, "", source=ENG)
    say(opened, "", source=other)
    assert [result.success for result in work(instance)] == [True, True]
    say(opened, edit(space, "Pumps"))
    tick(instance)
    assert (status(instance), status(instance, key=other)) == (StaleStatus.STALE, StaleStatus.FRESH)


def test_the_data_version_is_that_of_the_listing_and_shows_what_waits(
    instance: dg.DagsterInstance, opened: Pipeline, space: Space
) -> None:
    say(opened, "")
    work(instance)
    known = opened.catalog.upstream.observation(ENG)
    assert known is not None
    assert observation(opened.catalog, ENG).data_version == known.data_version
    say(opened, "1")
    event = opened.catalog.events.find("default")[0]
    assert observation(opened.catalog, ENG).data_version == f"{known.data_version}+{event.event_id}"
