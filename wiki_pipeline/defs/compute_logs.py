"""What runs print, kept in the bucket beside the tables, where every pod's UI finds it.

Dagster's own managers are one a provider, each with its client; this one goes where the tables go, with their options.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import dagster as dg

from wiki_pipeline.defs.dagster_internals import (
    IO_TYPE_EXTENSION,
    CapturedLogSubscription,
    ComputeIOType,
    ConfigurableClass,
    ConfigurableClassData,
    LocalComputeLogManager,
    PollingComputeLogSubscriptionManager,
    TruncatingCloudStorageComputeLogManager,
    UserConfigSchema,
)
from wiki_pipeline.settings import load
from wiki_pipeline.store import Files, open_files
from wiki_pipeline.store.settings import StoreSettings


class BucketComputeLogManager(TruncatingCloudStorageComputeLogManager[Any], ConfigurableClass):
    """Compute logs under `_dagster/logs` of WIKI_PIPELINE_STORAGE_URL; a folder works as well.

    In `dagster.yaml`::

        compute_logs:
          module: wiki_pipeline.defs.compute_logs
          class: BucketComputeLogManager
          config: {local_dir: /tmp/compute_logs, upload_interval: 30}
    """

    def __init__(
        self,
        local_dir: str | None = None,
        upload_interval: int | None = None,
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._inst_data = inst_data
        self._upload_interval = upload_interval
        self._local = LocalComputeLogManager(local_dir or str(Path(tempfile.gettempdir()) / "compute_logs"))
        self._subscriptions = PollingComputeLogSubscriptionManager(self)  # type: ignore[no-untyped-call]
        self._opened: Files | None = None

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """What `dagster.yaml` says of this class."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """What `dagster.yaml` may say of it."""
        return {
            "local_dir": dg.Field(dg.StringSource, is_required=False),
            "upload_interval": dg.Field(dg.Noneable(int), is_required=False, default_value=None),
        }

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> BucketComputeLogManager:
        """The manager as `dagster.yaml` describes it."""
        return cls(inst_data=inst_data, **config_value)

    @property
    def local_manager(self) -> LocalComputeLogManager:
        """Where logs are while they are written."""
        return self._local

    @property
    def upload_interval(self) -> int | None:
        """Seconds between two uploads of what is being written; None: at the end only."""
        return self._upload_interval

    def delete_logs(self, log_key: Sequence[str] | None = None, prefix: Sequence[str] | None = None) -> None:
        """Delete a step's logs, or all below a prefix."""
        self._local.delete_logs(log_key, prefix)
        if log_key is not None:
            both = [self._name(log_key, io, partial) for io in ComputeIOType for partial in (False, True)]
            self._files.delete(both)
        elif prefix:
            self._files.delete([name for name, _ in self._files.names("/".join(prefix))])

    def download_url_for_type(self, log_key: Sequence[str], io_type: ComputeIOType) -> str | None:
        """None: the UI shows them itself."""
        return None

    def display_path_for_type(self, log_key: Sequence[str], io_type: ComputeIOType) -> str:
        """Where a log is, for people."""
        return f"{self._files.url}/{self._name(log_key, io_type, partial=False)}"

    def cloud_storage_has_logs(self, log_key: Sequence[str], io_type: ComputeIOType, partial: bool = False) -> bool:
        """Whether a log was uploaded."""
        name = self._name(log_key, io_type, partial)
        return any(found == name for found, _ in self._files.names(os.path.dirname(name)))  # noqa: PTH120

    def download_from_cloud_storage(
        self, log_key: Sequence[str], io_type: ComputeIOType, partial: bool = False
    ) -> None:
        """Bring a log to this machine."""
        place = self._local.get_captured_local_path(log_key, IO_TYPE_EXTENSION[io_type], partial=partial)
        self._files.download(self._name(log_key, io_type, partial), Path(place))

    def _upload_file_obj(
        self, data: IO[bytes], log_key: Sequence[str], io_type: ComputeIOType, partial: bool = False
    ) -> None:
        self._files.write(self._name(log_key, io_type, partial), data.read())  # bounded by Dagster, 50 MB

    def get_log_keys_for_log_key_prefix(
        self, log_key_prefix: Sequence[str], io_type: ComputeIOType
    ) -> Sequence[list[str]]:
        """The steps below a prefix that have logs."""
        ending = f".{IO_TYPE_EXTENSION[io_type]}"
        names = [name for name, _ in self._files.names("/".join(log_key_prefix)) if name.endswith(ending)]
        return [name.removesuffix(ending).split("/") for name in names]

    def on_subscribe(self, subscription: CapturedLogSubscription) -> None:
        """Somebody watches a log."""
        self._subscriptions.add_subscription(subscription)

    def on_unsubscribe(self, subscription: CapturedLogSubscription) -> None:
        """And does no more."""
        self._subscriptions.remove_subscription(subscription)

    def dispose(self) -> None:
        """Let go of those who watch."""
        self._subscriptions.dispose()
        self._local.dispose()

    @property
    def _files(self) -> Files:
        if self._opened is None:
            self._opened = open_files(load(StoreSettings).storage.child("_dagster").child("logs"))
        return self._opened

    @staticmethod
    def _name(log_key: Sequence[str], io_type: ComputeIOType, partial: bool) -> str:
        return f"{'/'.join(log_key)}.{IO_TYPE_EXTENSION[io_type]}{'.partial' if partial else ''}"
