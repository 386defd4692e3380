"""Two tenants with a space, a repository and a connection of the same names: they never meet, and one goes alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from wiki_pipeline.catalog import EventBatch, Origin, TenantState
from wiki_pipeline.demo.confluence import ConfluenceServer
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.freshness import freshness
from wiki_pipeline.model import ChangeHint, Connection, SourceKey, Stage
from wiki_pipeline.settings import load
from wiki_pipeline.sources import kinds
from wiki_pipeline.store import Filters, search
from wiki_pipeline.sync import connections, tenants
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline.sync.sources import add as add_source
from wiki_pipeline.text.embed import open_embedder
from wiki_pipeline_tests.installation import install, sync

TENANTS = ("acme", "globex")
SECRETS = {tenant: f"the-token-of-{tenant}-{os.getpid()}" for tenant in TENANTS}
STEPS = ("block", "stop", "tables", "clones", "runs", "rows", "key")


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    """An installation with two tenants beside the default one, each with a space ENG at a site of its own, a
    repository `handbook`, and a connection `wiki`; all synced."""
    install(monkeypatch, tmp_path, CONFLUENCE_URL="https://operator.example.org/wiki", CONFLUENCE_TOKEN="operators")
    with ExitStack() as opened:
        pipeline = opened.enter_context(Pipeline.open(load(Settings)))
        for tenant in TENANTS:
            tenants.add(pipeline, tenant)
            server = opened.enter_context(ConfluenceServer("datacenter"))
            server.allow(secret=SECRETS[tenant], name="reader", user="Ana Reader")
            server.space("ENG", "Engineering").add("Home", f"<p>The password of {tenant} is swordfish.</p>")
            own = pipeline.of(tenant)
            made = Connection(tenant, "confluence", "wiki", server.url, {"username": "reader"})
            connections.add(own, made, SecretStr(SECRETS[tenant]))
            add_source(own, f"{server.url}/display/ENG", "wiki")
            add_source(own, str(repository(tmp_path / tenant / "handbook", tenant)))
            for record in pipeline.catalog.sources(tenant):
                sync(own, record.key)
        yield pipeline


def repository(folder: Path, tenant: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(f"# Handbook\n\nThe plan of {tenant} is secret.\n")
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def texts(pipeline: Pipeline) -> str:
    """All that a tenant's search finds."""
    embedder = open_embedder(pipeline.settings)
    return " ".join(
        hit.text
        for query in ("password", "plan")
        for hit in search(pipeline.store, embedder, query, k=20, filters=Filters())
    )


def test_sources_of_one_name_in_two_tenants_never_meet_and_one_goes_alone(both: Pipeline, tmp_path: Path) -> None:
    acme, globex = (both.of(tenant) for tenant in TENANTS)
    names = [{record.key.name for record in both.catalog.sources(each.tenant)} for each in (acme, globex)]
    assert names[0] == names[1]
    assert len(names[0]) == 2
    for own, other in ((acme, globex), (globex, acme)):
        assert own.tenant in texts(own)
        assert other.tenant not in texts(own)
        assert freshness(own).sources == 2
        assert {str(c.rows and c.name) for c in connections_of(own)} == {"wiki"}  # and not the operator's
        with pytest.raises(ConfigurationError, match="not a source of the tenant"):
            own.store.table(Stage.RAW_PAGES, SourceKey(other.tenant, "confluence", "wiki/ENG"))
    assert texts(both) == ""
    before = texts(globex), both.catalog.sources("globex"), both.catalog.changes.page("globex", "", limit=100)
    key = both.catalog.secrets.data_key("acme")
    assert key is not None

    dropped = tenants.drop(both, "acme", lambda _: None)

    assert dropped.record.state is TenantState.DROPPED
    assert (texts(globex), both.catalog.sources("globex"), both.catalog.changes.page("globex", "", limit=100)) == before
    left = everything(tmp_path / "state")
    assert key.wrapped not in left
    assert b"password of acme" not in left
    assert b"plan of acme" not in left
    assert b"password of globex" in left
    for record in both.catalog.sources("globex"):  # goes on as before, with its own secret
        reports = sync(globex, record.key)
        assert not any(report.failed for report in reports.values())
    with pytest.raises(ConfigurationError, match="no tenant 'acme'"):
        both.of("acme")
    with pytest.raises(ConfigurationError, match="There was a tenant acme"):
        tenants.add(both, "acme")


def connections_of(pipeline: Pipeline) -> list[Connection]:
    return [each for kind in kinds().values() for each in pipeline.connections(kind)]


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_secrets_are_found_nowhere_on_disk(both: Pipeline, tmp_path: Path) -> None:
    left = everything(tmp_path / "state")
    for tenant, secret in SECRETS.items():
        assert secret.encode() not in left
        row = next(iter(both.catalog.secrets.list(tenant)))
        assert row.ciphertext in left
        assert connections.find(both.of(tenant), "wiki").rows is not None
        assert secret not in repr(connections.find(both.of(tenant), "wiki"))
        assert connections.shown(both.of(tenant), both.catalog.connections.list(tenant)) == {row.ref: f"…{secret[-4:]}"}


class Killed(BaseException):
    """Stands for a process that ends here."""


@pytest.mark.parametrize("last", STEPS)
def test_a_dropping_that_is_killed_goes_on_where_it_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    install(monkeypatch, tmp_path)
    with Pipeline.open(load(Settings)) as pipeline:
        tenants.add(pipeline, "acme")
        own = pipeline.of("acme")
        key = SourceKey("acme", "git", "handbook")
        pipeline.catalog.add_source(key, json.dumps({"url": "https://example.org/handbook.git"}))
        pipeline.vault.seal("acme", "connection", "wiki", SecretStr("a secret of acme's"))
        pipeline.catalog.events.record([EventBatch("acme", Origin.CLI, [ChangeHint("git", key)], "one")])
        own.home_of(key).mkdir(parents=True)
        Path(own.store.url).mkdir(parents=True)
        forgotten: list[str] = []

        def die(step: str) -> None:
            if step == last:
                raise Killed

        with pytest.raises(Killed):
            tenants.drop(pipeline, "acme", forgotten.append, after=die)
        record = pipeline.catalog.tenancy.get("acme")
        assert record is not None
        assert record.state is TenantState.DROPPING
        assert pipeline.catalog.tenancy.active() == ["default"]

    with Pipeline.open(load(Settings)) as pipeline:  # another process
        told: list[str] = []
        assert tenants.resume_drops(pipeline, forgotten.append, told.append) == ["acme"]
        assert told == list(STEPS[STEPS.index(last) + 1 :])
        assert forgotten == ["acme"]
        assert pipeline.catalog.sources("acme") == []
        assert pipeline.catalog.events.find("acme") == []
        assert pipeline.catalog.secrets.data_key("acme") is None
        assert not own.home_of(key).exists()
        assert not Path(own.store.url).exists()
        assert [each.state for each in pipeline.catalog.tenancy.all()] == [TenantState.DROPPED, TenantState.ACTIVE]
        assert tenants.resume_drops(pipeline, forgotten.append) == []


def test_a_dropping_outlives_its_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, tmp_path)
    with Pipeline.open(load(Settings)) as pipeline:
        tenants.add(pipeline, "acme")
    program = (
        "import os, signal\n"
        "from wiki_pipeline.settings import load\n"
        "from wiki_pipeline.sync import tenants\n"
        "from wiki_pipeline.sync.pipeline import Pipeline\n"
        "from wiki_pipeline.sync.settings import Settings\n"
        "with Pipeline.open(load(Settings)) as pipeline:\n"
        "    tenants.drop(pipeline, 'acme', lambda _: os.kill(os.getpid(), signal.SIGKILL))\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=False)
    assert ended.returncode == -signal.SIGKILL
    with Pipeline.open(load(Settings)) as pipeline:
        record = pipeline.catalog.tenancy.get("acme")
        assert record is not None
        assert list(record.steps_done) == ["stop", "tables", "clones"]
        assert tenants.drop(pipeline, "acme", lambda _: None).record.state is TenantState.DROPPED


def test_names_that_can_t_be_a_tenant_s_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, tmp_path)
    with Pipeline.open(load(Settings)) as pipeline:
        for name in ("Acme", "", "../x", "a:b", "git-push", "default"):
            with pytest.raises(ConfigurationError):
                tenants.add(pipeline, name)
        with pytest.raises(ConfigurationError, match="default tenant"):
            tenants.drop(pipeline, "default", lambda _: None)


def test_only_what_can_be_made_again_is_collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, tmp_path)
    with Pipeline.open(load(Settings)) as pipeline:
        known = SourceKey("default", "git", "handbook")
        pipeline.catalog.add_source(known, json.dumps({"url": "https://example.org/handbook.git"}))
        used, unused = (pipeline.home_of(replace(known, name=name)) for name in ("handbook", "gone"))
        old = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
        for folder in (used, unused):
            folder.mkdir(parents=True)
            (folder / "file").write_text("x" * 10)
            os.utime(folder, (old, old))
        pipeline.catalog.uses.note("default", f"clone {used.name}")
        found = tenants.collect(pipeline, dry_run=True)
        assert [(each.what, each.name, each.size) for each in found] == [("clone", unused.name, 10)]
        assert unused.exists()
        assert tenants.collect(pipeline) == found
        assert not unused.exists()
        assert used.exists()
        assert tenants.collect(pipeline) == []


def test_a_secret_goes_to_no_other_host_than_the_one_it_was_entered_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, tmp_path)
    with Pipeline.open(load(Settings)) as pipeline:
        made = Connection("default", "confluence", "north", "https://north.example.org/wiki")
        added, is_new = connections.add(pipeline, made, SecretStr("the token of north"), SecretStr("signs"))
        assert is_new
        changed, is_new = connections.add(pipeline, replace(made, options={"username": "ana"}))
        assert not is_new
        assert changed.connection.secret_ref == added.connection.secret_ref
        with pytest.raises(ConfigurationError, match="another host"):
            connections.add(pipeline, replace(made, url="https://evil.example.org/wiki"))
        kept = pipeline.catalog.connections.get("default", "north")
        assert kept is not None
        assert kept.connection.url == made.url
        connections.remove(pipeline, "north")
        assert pipeline.catalog.secrets.list("default") == []
