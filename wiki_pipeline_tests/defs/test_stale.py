"""`stale_documents`: true as soon as a sync has ended, and placed in the graph."""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.data_version import StaleStatus
from dagster._core.execution.asset_backfill import AssetBackfillData

from wiki_pipeline.definitions import defs
from wiki_pipeline.defs.stale import CHECK, COMPARED, KEY
from wiki_pipeline.demo.confluence import ConfluenceServer, Space, faults
from wiki_pipeline.model import SourceKey
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.defs.daemon import run, tick, work
from wiki_pipeline_tests.defs.test_partition_status import stale_status
from wiki_pipeline_tests.defs.test_sensors import edit, say
from wiki_pipeline_tests.installation import ENG


def reports(instance: dg.DagsterInstance) -> list[int]:
    """How many documents were stale, by each report, the newest first."""
    records = instance.fetch_materializations(KEY, limit=100).records
    return [int(str(r.asset_materialization.metadata["stale documents"].value)) for r in records]  # type: ignore[union-attr]


def status(instance: dg.DagsterInstance) -> StaleStatus:
    return stale_status(instance, KEY.to_user_string(), None)


def test_the_first_look_after_a_sync_is_true(instance: dg.DagsterInstance, opened: Pipeline, space: Space) -> None:
    say(opened, "")
    (first,) = tick(instance)
    tick(instance, "freshness_report")  # while the first sync is still to come
    run(instance, first)
    assert reports(instance)[0] == 0
    say(opened, edit(space, "Pumps"))
    tick(instance, "freshness_report")
    assert reports(instance)[0] == 1
    work(instance)
    assert reports(instance)[0] == 0
    summary = instance.event_log_storage.get_asset_check_summary_records([dg.AssetCheckKey(KEY, CHECK)])
    evaluation = summary[dg.AssetCheckKey(KEY, CHECK)].last_check_execution_record
    assert evaluation is not None
    assert evaluation.event is not None
    assert "All documents of 1 sources are fresh." in str(evaluation.event)


def test_a_sync_that_fails_is_reported_as_well(
    instance: dg.DagsterInstance, opened: Pipeline, confluence_datacenter: ConfluenceServer
) -> None:
    say(opened, "")
    work(instance)
    before = len(reports(instance))
    confluence_datacenter.fault("*", faults.login_page(), times=None)
    say(opened, "")
    (request,) = tick(instance)
    assert not run(instance, request).success
    assert len(reports(instance)) == before + 1
    assert reports(instance)[0] > 0


def test_a_source_that_cannot_be_opened_is_a_line_of_the_report_and_the_others_are_counted(
    instance: dg.DagsterInstance, opened: Pipeline, space: Space
) -> None:
    opened.catalog.add_source(SourceKey("default", "confluence", "OLD"), '{"url": 7}')
    say(opened, "")
    work(instance)
    (record,) = instance.fetch_materializations(KEY, limit=1).records
    assert record.asset_materialization is not None
    metadata = record.asset_materialization.metadata
    assert metadata["stale by source"].value == {"default:confluence:ENG": 0, "default:confluence:OLD": 1}
    table = metadata["documents"]
    assert isinstance(table, dg.TableMetadataValue)
    (row,) = table.records
    assert row.data["source"] == "default:confluence:OLD"
    assert "can't be used" in str(row.data["detail"])


def test_a_sync_that_changed_nothing_is_not_counted_again_and_leaves_the_report_true(
    instance: dg.DagsterInstance, opened: Pipeline
) -> None:
    for _ in range(2):
        say(opened, "")
        assert [result.success for result in work(instance)] == [True]
    assert reports(instance) == [0]
    tick(instance, "freshness_report")
    say(opened, "")
    work(instance)
    assert reports(instance) == [0, 0]


def test_dagster_shows_the_report_as_out_of_date_from_an_event_until_the_sync(
    instance: dg.DagsterInstance, opened: Pipeline, space: Space
) -> None:
    say(opened, "")
    work(instance)
    assert status(instance) is StaleStatus.FRESH
    say(opened, edit(space, "Pumps"))
    (request,) = tick(instance)
    assert status(instance) is StaleStatus.STALE
    run(instance, request)
    assert status(instance) is StaleStatus.FRESH


def test_it_stands_behind_all_that_it_compares_and_a_backfill_may_go_through(
    instance: dg.DagsterInstance, opened: Pipeline
) -> None:
    graph = defs.resolve_asset_graph()
    assert graph.get(KEY).parent_keys == set(COMPARED)
    say(opened, "")
    work(instance)
    chosen = [key for key in COMPARED if graph.get(key).is_materializable]
    backfill = AssetBackfillData.from_asset_partitions(
        graph, [str(ENG)], [*chosen, KEY], instance, all_partitions=False, backfill_start_timestamp=0.0
    )
    assert backfill.target_subset.asset_keys == {*chosen, KEY}
    alone = dg.materialize([defs.get_assets_def(KEY)], instance=instance, resources=defs.resources)
    assert alone.success
    assert status(instance) is StaleStatus.FRESH
