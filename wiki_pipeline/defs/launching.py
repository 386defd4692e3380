"""Two classes of run in a cluster: small ones start at once in the code location's pod, large ones as Kubernetes Jobs.

A Job costs seconds before its first step: a pod to be scheduled, an image to be checked, five processor seconds of
imports. A first sync does not notice; an edit that is to be searchable would spend most of its time with it. And a
first sync in the code location's pod would take the memory of everything else there.

The class is a tag of the run, set by whoever asks for it: `size_of` for runs of events. A run without it (a person's,
from the UI) is large, which is the safe side. Stopping a run, and noticing that its process is gone, goes to the
launcher that started it. Both end in the same: the source's lease is given back, or runs out, and the events are
claimed again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
import yaml

from wiki_pipeline.catalog import Catalog, Claim
from wiki_pipeline.defs.dagster_internals import (
    GRPC_INFO_TAG,
    CheckRunHealthResult,
    ConfigurableClass,
    ConfigurableClassData,
    LaunchRunContext,
    RunLauncher,
    UserConfigSchema,
    WorkerStatus,
    is_executed_by,
)
from wiki_pipeline.defs.settings import DagsterSettings
from wiki_pipeline.settings import Mode

SIZE_TAG = "wiki_pipeline/size"
SMALL, LARGE = "small", "large"
SMALL_TAGS = {SIZE_TAG: SMALL}
"""Of jobs that do little themselves, wherever they run."""
_JOB_CONFIG_TAG = "dagster-k8s/config"


def tags_of_size(claim: Claim, catalog: Catalog, settings: DagsterSettings) -> dict[str, str]:
    """The tags that say how much a claim's run has to do, and what a Job of it needs; none outside of a cluster.

    What counts is the number of documents that are to be looked at: those that are named, or all that the source is
    known to hold. A source that was never listed may hold any number.
    """
    if settings.mode is not Mode.CLUSTER:
        return {}
    observation = None if claim.documents else catalog.upstream.observation(claim.source)
    listed = observation is not None and observation.listed_at is not None
    documents = len(claim.documents) or (observation.documents if observation and listed else None)
    if documents is not None and documents <= settings.small_run_documents:
        return {SIZE_TAG: SMALL}
    resources = settings.resources_of(documents)
    config = {_JOB_CONFIG_TAG: json.dumps({"container_config": {"resources": resources}})} if resources else {}
    return {SIZE_TAG: LARGE, **config}


@dataclass(frozen=True)
class _Configured:
    """A launcher as `dagster.yaml` describes it."""

    module: str
    name: str
    config: Mapping[str, Any]

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> _Configured:
        return cls(value["module"], value["class"], value.get("config") or {})

    def load(self) -> RunLauncher:
        data = ConfigurableClassData(self.module, self.name, yaml.dump(dict(self.config)))
        return data.rehydrate(as_type=RunLauncher)  # type: ignore[type-abstract]


class BySize(RunLauncher, ConfigurableClass):
    """Gives each run to one of two launchers, by its tag `wiki_pipeline/size`.

    In `dagster.yaml`::

        run_launcher:
          module: wiki_pipeline.defs.launching
          class: BySize
          config:
            small: {module: dagster, class: DefaultRunLauncher}
            large: {module: dagster_k8s, class: K8sRunLauncher, config: {...}}

    The launcher of large runs is made when it is first needed: only the daemon and the webserver launch, and run pods,
    which read the same file, may not speak with the cluster.
    """

    def __init__(
        self,
        small: Mapping[str, Any],
        large: Mapping[str, Any],
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        self._inst_data = inst_data
        self._configured = {SMALL: _Configured.of(small), LARGE: _Configured.of(large)}
        self._made: dict[str, RunLauncher] = {}
        super().__init__()  # type: ignore[no-untyped-call]

    # --- as every class that dagster.yaml names ---

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """What `dagster.yaml` says of this class."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """What `dagster.yaml` has to say of it."""
        launcher = {
            "module": dg.Field(dg.String),
            "class": dg.Field(dg.String),
            "config": dg.Field(dg.Permissive(), is_required=False),  # type: ignore[no-untyped-call]
        }
        return {"small": dg.Field(launcher), "large": dg.Field(launcher)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> BySize:
        """The launcher as `dagster.yaml` describes it."""
        return cls(inst_data=inst_data, **config_value)

    # --- launching ---

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start a run."""
        self._of(context.dagster_run).launch_run(context)

    def terminate(self, run_id: str) -> bool:
        """Stop a run; whether its process was told."""
        run = self._instance.get_run_by_id(run_id)
        return False if run is None else bool(self._of(run).terminate(run_id))

    def join(self, timeout: int = 30) -> None:
        """Wait for runs in this process' care, for tests."""
        for launcher in self._made.values():
            launcher.join(timeout)

    def dispose(self) -> None:
        """Let go of what the launchers hold."""
        for launcher in self._made.values():
            launcher.dispose()

    # --- runs whose process is gone ---

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Of both classes it can be told whether a run's process is still there."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether a run's process is there: a Job's by the cluster, a small one's by the code server that started it.

        A code server that does not answer says nothing of the run, which then counts as running: whether it is, shows
        by its source's lease (`runs.end_lost_runs`).
        """
        launcher = self._of(run)
        if launcher.supports_check_run_worker_health:
            return launcher.check_run_worker_health(run)
        started = run.tags.get(GRPC_INFO_TAG)
        if started is not None and is_executed_by(json.loads(started), run.run_id) is False:
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "The code server that started it no longer runs it.")
        return CheckRunHealthResult(WorkerStatus.RUNNING)

    def get_run_worker_debug_info(self, run: dg.DagsterRun, include_container_logs: bool | None = True) -> str | None:
        """What is known of a run's process, for its log."""
        return self._of(run).get_run_worker_debug_info(run, include_container_logs)

    def _of(self, run: dg.DagsterRun) -> RunLauncher:
        size = SMALL if run.tags.get(SIZE_TAG) == SMALL else LARGE
        if size not in self._made:
            launcher = self._configured[size].load()
            launcher.register_instance(self._instance)
            self._made[size] = launcher
        return self._made[size]
