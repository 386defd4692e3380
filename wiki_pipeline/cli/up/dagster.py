"""Dagster as a service: webserver and daemon with one code server for both, as `dagster dev` runs them."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from wiki_pipeline.cli.up.ports import Ports
from wiki_pipeline.cli.up.settings import UpSettings

LOOPBACK = "127.0.0.1"  # Dagster's UI has no authentication: it never listens elsewhere
_NAME = "Dagster"
_SETTING = "dagster_port"
_QUESTION = {"query": "{ instance { info } }"}


@dataclass
class Dagster:
    """The UI on its port. It can't be handed a socket, so it may find its port taken: then it gets another.

    Attributes:
        state: where Dagster keeps its files.
        root: the clone it shows the workspace of; None for the installed package.
        port: where it is, or will be.
    """

    ports: Ports
    state: str
    root: Path | None
    port: int

    @classmethod
    def on(cls, ports: Ports, settings: UpSettings, home: Path, root: Path | None) -> Dagster:
        """On the port of the settings, or one near it; `home` is `DAGSTER_HOME`.

        Raises:
            ConfigurationError: the port was asked for and is in use.
        """
        # A person may have put the files elsewhere; then any folder will do.
        elsewhere = "local_artifact_storage" in (home / "dagster.yaml").read_text(encoding="utf-8")
        return cls(
            ports, "" if elsewhere else f"{home} ", root, ports.find(_NAME, LOOPBACK, settings.dagster_port, _SETTING)
        )

    @property
    def url(self) -> str:
        """Where the UI is, or will be."""
        return f"http://{LOOPBACK}:{self.port}"

    def command(self) -> Sequence[str]:
        """The program for the next start."""
        self.port = self.ports.find_again(_NAME, LOOPBACK, self.port, _SETTING)
        root = self.root
        target = (
            ["--workspace", str(root / "workspace.yaml")] if root else ["--module-name", "wiki_pipeline.definitions"]
        )
        return [sys.executable, "-m", "dagster", "dev", "--host", LOOPBACK, "--port", str(self.port), *target]

    async def ready(self, client: httpx.AsyncClient) -> bool:
        """Whether a Dagster answers that keeps its state where ours does: another one would show other things."""
        answer = await client.post(f"{self.url}/graphql", json=_QUESTION)
        if answer.status_code != httpx.codes.OK:
            return False
        try:
            info = str(answer.json()["data"]["instance"]["info"])
        except (ValueError, KeyError, TypeError):  # not Dagster's
            return False
        # YAML: a path may be quoted, and is folded where it has spaces.
        return f"base_dir: {_plain(self.state)}" in f"{_plain(info)} "


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub("['\"]", "", text))
