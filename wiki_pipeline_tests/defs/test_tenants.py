"""One daemon serves all tenants; what Dagster keeps holds no secret, and no title where a setting says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr

from wiki_pipeline.catalog import EventBatch, Origin, TenantState
from wiki_pipeline.definitions import defs
from wiki_pipeline.defs.sources import NAME
from wiki_pipeline.demo.confluence import ConfluenceServer
from wiki_pipeline.model import ChangeHint, Connection, SourceKey, Stage
from wiki_pipeline.sync import connections, tenants
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.sources import add as add_source
from wiki_pipeline_tests.defs.daemon import tick, work

SECRET, TITLE = "the-secret-of-acme-0815", "Lighthouse keeping"


@pytest.fixture
def acme(kept_instance: dg.DagsterInstance, opened: Pipeline) -> Iterator[Pipeline]:
    """A second tenant, with a space of the same name at a site of its own."""
    with ConfluenceServer("datacenter") as server:
        server.allow(secret=SECRET, name="reader", user="Ana Reader")
        server.space("ENG", "Engineering").add(TITLE, "<p>Of acme.</p>")
        tenants.add(opened, "acme")
        own = opened.of("acme")
        made = Connection("acme", "confluence", "wiki", server.url, {"username": "reader"})
        connections.add(own, made, SecretStr(SECRET))
        add_source(own, f"{server.url}/display/ENG", "wiki")
        yield own


@pytest.mark.parametrize("names", ["true", "false"])
def test_one_daemon_serves_and_forgets_a_tenant(
    kept_instance: dg.DagsterInstance, acme: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: str
) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_DAGSTER_NAMES_DOCUMENTS", names)
    (record,) = acme.catalog.sources("acme")
    ours = SourceKey("default", "confluence", "ENG")
    for key in (ours, record.key):
        acme.catalog.events.record([EventBatch(key.tenant, Origin.CLI, [ChangeHint(key.kind, key)])])
    assert [run.success for run in work(kept_instance)] == [True, True]
    tick(kept_instance, "freshness_report")
    assert set(kept_instance.get_dynamic_partitions(NAME)) == {str(ours), str(record.key)}
    rows = acme.store.table(Stage.WIKI_PAGES, record.key).read(None, ["title"])["title"].to_pylist()
    assert rows == [TITLE]
    kept = b"".join(path.read_bytes() for path in sorted(tmp_path.rglob("*.db*")) if path.is_file())
    assert str(record.key).encode() in kept  # it is Dagster's storage
    assert SECRET.encode() not in kept
    assert (TITLE.encode() in kept) == (names == "true")
    if names == "false":
        return

    acme.catalog.tenancy.begin_drop("acme")  # whose process is gone; the maintenance job goes on with it
    assert tick(kept_instance) == []
    assert defs.resolve_job_def("maintenance").execute_in_process(instance=kept_instance).success
    dropped = acme.catalog.tenancy.get("acme")
    assert dropped is not None
    assert dropped.state is TenantState.DROPPED
    assert kept_instance.get_dynamic_partitions(NAME) == [str(ours)]
    partitions = {run.tags.get("dagster/partition") for run in kept_instance.get_runs()}
    assert partitions == {str(ours), None}
