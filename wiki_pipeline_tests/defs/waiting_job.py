"""A job that waits until it is stopped, and leaves word of that: the code location of the launchers' test."""

import os
import time
from pathlib import Path

import dagster as dg


@dg.op
def wait() -> None:
    folder = Path(os.environ["WAITING_JOB_FOLDER"])
    (folder / "started").write_text(str(os.getpid()))
    try:
        for _ in range(6000):
            time.sleep(0.05)
    finally:
        (folder / "given back").touch()


@dg.job(executor_def=dg.in_process_executor)
def waiting() -> None:
    wait()


defs = dg.Definitions(jobs=[waiting])
