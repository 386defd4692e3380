"""Jobs without a cluster: each run is a process, started by the command that the Job's pod would run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.launcher import LaunchRunContext, RunLauncher
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClass, ConfigurableClassData


class ProcessJobs(RunLauncher, ConfigurableClass):
    """What K8sRunLauncher does, with processes for pods."""

    def __init__(self, namespace: str = "default", inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        self.namespace = namespace
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        super().__init__()  # type: ignore[no-untyped-call]

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> Any:
        return {"namespace": dg.Field(dg.StringSource)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> ProcessJobs:
        return cls(inst_data=inst_data, **config_value)

    def launch_run(self, context: LaunchRunContext) -> None:
        run = context.dagster_run
        assert run.job_code_origin is not None
        arguments = ExecuteRunArgs(run.job_code_origin, run.run_id, self._instance.get_ref()).get_command_args()
        arguments = [sys.executable, "-m", *arguments]  # `dagster` need not be on the path here
        self.processes[run.run_id] = subprocess.Popen(arguments, start_new_session=True, stdin=subprocess.DEVNULL)

    def terminate(self, run_id: str) -> bool:
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        os.killpg(self.processes[run_id].pid, signal.SIGTERM)
        return True

    def dispose(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        ended = self.processes[run.run_id].poll()
        return CheckRunHealthResult(WorkerStatus.RUNNING if ended is None else WorkerStatus.FAILED)
