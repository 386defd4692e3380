"""Two classes of run: which is which, and that stopping, killing and losing one is the same in both.

Small runs by a real code server, large ones as processes that a played cluster starts.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster._daemon.monitoring.run_monitoring import monitor_started_run

from wiki_pipeline.catalog import Catalog, Claim, Origin
from wiki_pipeline.defs.launching import LARGE, SIZE_TAG, SMALL, BySize, tags_of_size
from wiki_pipeline.defs.settings import DagsterSettings
from wiki_pipeline.model import DocumentRef, SourceKey
from wiki_pipeline.settings import load

pytestmark = pytest.mark.timeout(600)
SOURCE = SourceKey("default", "confluence", "ENG")


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[dg.DagsterInstance, Any]]:
    """An instance with the launcher, and a workspace with a code server."""
    monkeypatch.setenv("WAITING_JOB_FOLDER", str(tmp_path))
    monkeypatch.setenv("PLAYED_NAMESPACE", "wiki")
    (tmp_path / "home").mkdir()
    launcher = {
        "module": "wiki_pipeline.defs.launching",
        "class": "BySize",
        "config": {
            "small": {"module": "dagster", "class": "DefaultRunLauncher"},
            "large": {
                "module": "wiki_pipeline_tests.defs.played_jobs",
                "class": "ProcessJobs",
                "config": {"namespace": {"env": "PLAYED_NAMESPACE"}},
            },
        },
    }
    # Else Dagster leaves the code servers that it ended behind, and Python warns of that in some later test.
    waits = {"wait_for_local_processes_on_shutdown": True}
    overrides = {"run_launcher": launcher, "code_servers": waits}
    with (
        dg.DagsterInstance.local_temp(str(tmp_path / "home"), overrides=overrides) as instance,
        WorkspaceProcessContext(
            instance,
            ModuleTarget(
                module_name="wiki_pipeline_tests.defs.waiting_job",
                attribute=None,
                working_directory=None,
                location_name="waiting",
            ),
        ) as workspace,
    ):
        yield instance, workspace.create_request_context()


def started(instance: dg.DagsterInstance, workspace: Any, size: str | None, folder: Path) -> str:
    location = workspace.get_code_location("waiting")
    job = location.get_repository("__repository__").get_full_job("waiting")
    run = create_run_for_test(
        instance,
        job_name="waiting",
        tags={SIZE_TAG: size} if size else {},
        remote_job_origin=job.get_remote_origin(),
        job_code_origin=job.get_python_origin(),
    )
    instance.launch_run(run.run_id, workspace)
    until(lambda: (folder / "started").exists() and (folder / "started").read_text() != "")
    until(lambda: status(instance, run.run_id) == dg.DagsterRunStatus.STARTED)
    return str(run.run_id)


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 240
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def monitored(instance: dg.DagsterInstance, workspace: Any, run_id: str) -> dg.DagsterRunStatus:
    """What Dagster's monitoring makes of a run that it takes to be running."""
    (record,) = instance.get_run_records(dg.RunsFilter(run_ids=[run_id]))
    if record.dagster_run.status == dg.DagsterRunStatus.STARTED:
        monitor_started_run(instance, workspace, record, logging.getLogger("test"))
    return status(instance, run_id)


@pytest.mark.parametrize("size", [SMALL, LARGE, None])
def test_a_run_is_stopped_and_gives_back_what_it_held(
    system: tuple[dg.DagsterInstance, Any], size: str | None, tmp_path: Path
) -> None:
    instance, workspace = system
    run_id = started(instance, workspace, size, tmp_path)
    launcher = instance.run_launcher
    assert isinstance(launcher, BySize)
    assert set(launcher._made) == {size or LARGE}
    assert monitored(instance, workspace, run_id) == dg.DagsterRunStatus.STARTED
    assert launcher.terminate(run_id)
    until(lambda: status(instance, run_id) == dg.DagsterRunStatus.CANCELED)
    assert (tmp_path / "given back").exists()
    assert not launcher.terminate(run_id)


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_run_whose_process_is_killed_is_noticed(
    system: tuple[dg.DagsterInstance, Any], size: str, tmp_path: Path
) -> None:
    instance, workspace = system
    run_id = started(instance, workspace, size, tmp_path)
    os.kill(int((tmp_path / "started").read_text()), signal.SIGKILL)
    until(lambda: monitored(instance, workspace, run_id) == dg.DagsterRunStatus.FAILURE)
    assert not (tmp_path / "given back").exists()


def test_a_code_server_that_does_not_answer_is_no_dead_run(
    system: tuple[dg.DagsterInstance, Any], tmp_path: Path
) -> None:
    instance, workspace = system
    run_id = started(instance, workspace, SMALL, tmp_path)
    run = instance.get_run_by_id(run_id)
    assert run is not None
    away = run.with_tags({**run.tags, ".dagster/grpc_info": json.dumps({"host": "127.0.0.1", "port": 9})})
    assert instance.run_launcher.check_run_worker_health(away).status.name == "RUNNING"
    instance.run_launcher.terminate(run_id)
    until(lambda: status(instance, run_id) == dg.DagsterRunStatus.CANCELED)


def claim(documents: int = 0) -> Claim:
    return Claim("c", SOURCE, tuple(map(str, range(documents))), 1, datetime.now(UTC), (Origin.WEBHOOK,))


def test_size_is_what_is_to_be_looked_at(tmp_path: Path) -> None:
    settings = load(
        DagsterSettings,
        mode="cluster",
        small_run_documents=3,
        run_sizes=json.dumps(
            [
                {"documents": 100, "cpu": "2", "memory": "2Gi"},
                {"documents": 10, "cpu": "500m", "memory": "512Mi"},
                {"documents": 1000, "cpu": "4", "memory": "8Gi"},
            ]
        ),
    )

    def memory(tags: dict[str, str]) -> str:
        assert tags[SIZE_TAG] == LARGE
        resources = json.loads(tags["dagster-k8s/config"])["container_config"]["resources"]
        assert "cpu" not in resources["limits"]
        assert resources["limits"]["memory"] == resources["requests"]["memory"]
        return str(resources["limits"]["memory"])

    with Catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}") as catalog:
        catalog.add_source(SOURCE, "{}")
        assert tags_of_size(claim(), catalog, load(DagsterSettings)) == {}, "a laptop has one class"
        assert tags_of_size(claim(3), catalog, settings) == {SIZE_TAG: SMALL}
        assert memory(tags_of_size(claim(4), catalog, settings)) == "512Mi"
        assert memory(tags_of_size(claim(), catalog, settings)) == "2Gi", "never listed: it may be any number"
        catalog.upstream.observe_all(SOURCE, [DocumentRef(str(i), "1") for i in range(2000)])
        assert memory(tags_of_size(claim(), catalog, settings)) == "8Gi"
        assert memory(tags_of_size(claim(11), catalog, settings)) == "2Gi"
        catalog.upstream.observe_all(SOURCE, [DocumentRef("1", "1")])
        assert tags_of_size(claim(), catalog, settings) == {SIZE_TAG: SMALL}
