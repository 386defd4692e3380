"""What a run printed in one pod is read in another."""

from __future__ import annotations

from pathlib import Path

import pytest
from dagster._core.storage.compute_log_manager import ComputeIOType

from wiki_pipeline.defs.compute_logs import BucketComputeLogManager
from wiki_pipeline_tests.installation import install

KEY = ["a-run", "compute_logs", "a-step"]


def test_logs_of_one_pod_are_read_in_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, tmp_path)
    run, other = (BucketComputeLogManager(str(tmp_path / name)) for name in ("run", "webserver"))
    with run.open_log_stream(KEY, ComputeIOType.STDERR) as stream:
        assert stream is not None
        stream.write("Ödön was here\n")
    assert not list((tmp_path / "run").rglob("*.err")), "they are in one place only"
    assert other.is_capture_complete(KEY)
    assert other.get_log_data(KEY).stderr == "Ödön was here\n".encode()
    assert other.get_log_keys_for_log_key_prefix(KEY[:2], ComputeIOType.STDERR) == [KEY]
    assert str(other.get_log_metadata(KEY).stderr_location).endswith("/_dagster/logs/a-run/compute_logs/a-step.err")
    other.delete_logs(prefix=["a-run"])
    assert not run.cloud_storage_has_logs(KEY, ComputeIOType.STDERR)
    assert not run.is_capture_complete(KEY)
    for manager in (run, other):
        manager.dispose()
