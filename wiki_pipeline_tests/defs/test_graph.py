"""The graph as its users meet it: runs, materialisations, checks, partitions, on an ephemeral instance."""

from __future__ import annotations

import dagster as dg
import pytest

from wiki_pipeline.catalog import Catalog
from wiki_pipeline.definitions import defs
from wiki_pipeline.defs.sources import NAME
from wiki_pipeline.demo.confluence import ConfluenceServer, Space
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.settings import load
from wiki_pipeline.stages import repository_survey, repository_wiki
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline_tests.defs.conftest import PICTURE, PNG
from wiki_pipeline_tests.installation import ENG, pipeline

SECRET = "any-token"


def run(instance: dg.DagsterInstance, job: str = "sync_source", key: str = str(ENG)) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def(job).execute_in_process(instance=instance, partition_key=key, raise_on_error=False)


def failure(result: dg.ExecuteInProcessResult) -> str:
    """What a person reads in the UI of the step that failed."""
    told = next(e.step_failure_data for e in result.all_events if e.is_step_failure).user_failure_data
    assert told is not None, "the step failed by an exception, with a stack trace"
    return told.description or ""


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {e.asset_key.to_user_string(): e.passed for e in result.get_asset_check_evaluations()}


# A space has none of these rows.
OF_REPOSITORIES = (str(repository_survey.STAGE), str(repository_wiki.STAGE))


def test_a_run_materialises_every_stage_of_its_source_with_counts_a_table_and_a_plot(
    instance: dg.DagsterInstance,
) -> None:
    result = run(instance)
    assert result.success
    materialised = {
        e.materialization.asset_key.to_user_string(): e.materialization
        for e in result.get_asset_materialization_events()
    }
    assert set(materialised) == set(Stage)
    for name, event in materialised.items():
        assert event.partition == str(ENG)
        if name in OF_REPOSITORIES:
            assert event.metadata["added"].value == 0
            continue
        assert event.metadata["added"].value == 3
        assert isinstance(event.metadata["preview"], dg.TableMetadataValue)
        assert "data:image/svg+xml" in str(event.metadata["plot"].value)
    assert checks(result) == dict.fromkeys(materialised, True)


def test_the_data_version_changes_with_the_content_and_only_then(instance: dg.DagsterInstance, space: Space) -> None:
    def versions() -> list[str | None]:
        events = run(instance).get_asset_materialization_events()
        made = [e.materialization for e in events]
        made = [each for each in made if each.asset_key.to_user_string() not in OF_REPOSITORIES]
        return [(each.tags or {}).get("dagster/data_version") for each in made]

    first, again = versions(), versions()
    space.page("Pumps").edit(f"<p>Pumps are primed by hand.</p>{PICTURE}")
    space.page("Pumps").attach("it.png", PNG + b"a new one", "image/png")
    assert first == again
    assert set(first).isdisjoint(versions())


def test_a_document_that_fails_is_a_warning_that_names_it_and_not_a_failed_run(
    instance: dg.DagsterInstance, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_MAX_DOCUMENT_BYTES", "1000")
    space.page("Pumps").edit("<p>" + "Far too much. " * 500 + "</p>")
    result = run(instance)
    assert result.success
    assert checks(result)["raw_pages"] is False
    evaluation = next(e for e in result.get_asset_check_evaluations() if e.asset_key.to_user_string() == "raw_pages")
    assert evaluation.severity is dg.AssetCheckSeverity.WARN
    assert "Pumps" in str(evaluation.metadata["documents"].value)
    with Catalog(load(Settings).catalog_url) as catalog:
        assert [record.title for record in catalog.failures(ENG)] == ["Pumps"]
    space.page("Pumps").edit("<p>Just right.</p>")
    assert checks(run(instance))["raw_pages"] is True
    with Catalog(load(Settings).catalog_url) as catalog:
        assert catalog.failures(ENG) == []


def evaluation(result: dg.ExecuteInProcessResult, asset: str, check: str) -> dg.AssetCheckEvaluation:
    evaluations = result.get_asset_check_evaluations()
    return next(e for e in evaluations if (e.asset_key.to_user_string(), e.check_name) == (asset, check))


def test_a_source_that_is_fine_does_not_hide_that_another_is_not(
    instance: dg.DagsterInstance,
    space: Space,
    confluence_datacenter: ConfluenceServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = SourceKey("default", "confluence", "OPS")
    confluence_datacenter.space("OPS", "Operations").add("Rota", "<p>Who is on call.</p>")
    with Catalog(load(Settings).catalog_url) as catalog:
        catalog.add_source(other, catalog.source(ENG).config.replace("ENG", "OPS"))  # type: ignore[union-attr]
    instance.add_dynamic_partitions(NAME, [str(other)])
    monkeypatch.setenv("WIKI_PIPELINE_MAX_DOCUMENT_BYTES", "1000")
    space.page("Pumps").edit("<p>" + "Far too much. " * 500 + "</p>")
    space.page("Winches").edit("<svg><metadata>quay</metadata></svg>")
    run(instance)
    fine = run(instance, key=str(other))
    for asset, check in (("raw_pages", "all_documents_processed"), ("clean_pages", "no_text_lost")):
        shown = evaluation(fine, asset, check)
        assert not shown.passed
        assert shown.metadata["synced"].value == str(other)
        assert f": {ENG} (1)." in (shown.description or "")
        assert [row.data for row in shown.metadata["sources"].value.records] == [  # type: ignore[union-attr]
            {"source": str(ENG), "documents": 1}
        ]
    assert evaluation(fine, "chunks", "all_documents_processed").passed
    space.page("Pumps").edit("<p>Just right.</p>")
    space.page("Winches").edit("<p>quay</p>")
    run(instance)
    assert checks(run(instance, key=str(other))) == dict.fromkeys(Stage, True)


def test_rows_of_a_source_and_of_a_table_that_sources_share_are_told_apart(
    instance: dg.DagsterInstance, confluence_datacenter: ConfluenceServer
) -> None:
    other = SourceKey("default", "confluence", "OPS")
    confluence_datacenter.space("OPS", "Operations").add("Rota", "<p>Who is on call.</p>")
    with Catalog(load(Settings).catalog_url) as catalog:
        catalog.add_source(other, catalog.source(ENG).config.replace("ENG", "OPS"))  # type: ignore[union-attr]
    instance.add_dynamic_partitions(NAME, [str(other)])
    run(instance)
    events = run(instance, key=str(other)).get_asset_materialization_events()
    told = {e.asset_key.to_user_string(): e.materialization.metadata for e in events if e.asset_key}
    vectors, raw = told["vectors"], told["raw_pages"]
    assert (vectors["dagster/partition_row_count"].value, vectors["dagster/row_count"].value) == (1, 4)
    assert str(vectors["dagster/table_name"].value).startswith("vectors.wordllama")
    assert raw["dagster/partition_row_count"].value == 1
    assert "dagster/row_count" not in raw
    assert str(raw["dagster/uri"].value).endswith(f"/{raw['dagster/table_name'].value}.lance")


def test_a_page_that_lost_words_is_a_warning_that_names_them(instance: dg.DagsterInstance, space: Space) -> None:
    def words() -> dg.AssetCheckEvaluation:
        evaluations = run(instance).get_asset_check_evaluations()
        return next(e for e in evaluations if e.check_name == "no_text_lost")

    assert words().passed
    space.page("Pumps").edit("<svg><metadata>quay</metadata></svg>")
    told = words()
    assert (told.passed, told.severity) == (False, dg.AssetCheckSeverity.WARN)
    table = told.metadata["documents"]
    assert isinstance(table, dg.TableMetadataValue)
    assert [(row.data["title"], row.data["words"]) for row in table.records] == [("Pumps", "quay")]


@pytest.mark.parametrize("key", ["ENG", "default:confluence:NOWHERE", "default:confluence:../../etc"])
def test_a_partition_key_made_by_hand_is_refused_in_words(instance: dg.DagsterInstance, key: str) -> None:
    instance.add_dynamic_partitions(NAME, [key])
    result = run(instance, key=key)
    assert not result.success
    assert key.rpartition(":")[2] in failure(result)


def test_a_source_that_another_process_writes_is_refused_in_words(instance: dg.DagsterInstance) -> None:
    with Catalog(load(Settings).catalog_url) as catalog, catalog.lease(f"source {ENG}", 60):
        assert "Another process is writing" in failure(run(instance))
    assert run(instance).success


def test_a_server_that_is_gone_fails_the_run_in_words_and_loses_nothing(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(instance)
    monkeypatch.setenv("CONFLUENCE_TOKEN", "")
    monkeypatch.setenv("CONFLUENCE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WIKI_PIPELINE_CONFLUENCE_TRIES", "1")
    assert ENG.name in failure(run(instance))
    with pipeline() as opened:
        assert opened.store.table(Stage.WIKI_PAGES, ENG).row_count() == 3


def test_forgetting_a_source_takes_its_data_and_then_its_partition(instance: dg.DagsterInstance) -> None:
    run(instance)
    assert run(instance, "forget_source").success
    assert instance.get_dynamic_partitions(NAME) == []
    with Catalog(load(Settings).catalog_url) as catalog:
        assert catalog.sources("default") == []


def test_no_token_gets_into_the_event_log(instance: dg.DagsterInstance) -> None:
    result = run(instance)
    told = "".join(str(record) for record in instance.all_logs(result.run_id))
    assert SECRET not in told + str(instance.get_run_by_id(result.run_id))
