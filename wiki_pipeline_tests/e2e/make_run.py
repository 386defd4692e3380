"""`make run` in a clean clone, as a new user meets it: three addresses, everything behind them, nothing left behind.

`python -m wiki_pipeline_tests.e2e.make_run` ends with a sentence and status 1 if something is wrong. The CI has just
set up its own clone by the same command and the same lock; it has this one take those packages: `--packages-from-here`.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

import httpx

from wiki_pipeline_tests.e2e.services import WrongError, started

ROOT = Path(__file__).parents[2]
PARTITIONS = {"default:confluence:HANDBOOK", "default:git:wiki-pipeline", "default:jira:PLAT"}
ASSETS = {
    "raw_pages",
    "clean_pages",
    "attachments",
    "chunks",
    "vectors",
    "wiki_pages",
    "repository_survey",
    "repository_wiki",
}
_STAGES = """{ assetNodes { assetKey { path } assetPartitionStatuses {
    ... on DefaultPartitionStatuses { materializedPartitions failedPartitions unmaterializedPartitions } } } }"""


def main() -> int:
    """Clone, start, look, stop. 0 if all is right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages-from-here", action="store_true", help="take those of this environment for set up")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wiki-pipeline-clone-") as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        if given.packages_from_here:
            _take_packages(clone)
        began = time.monotonic()
        with started(["make", "run"], clone) as services:
            try:
                addresses = services.addresses()
                print(f"Three addresses after {time.monotonic() - began:.0f} s: {addresses}")
                _look(addresses)
                services.stop()
                print("Seen: a Ctrl-C stops everything.")
            except WrongError as wrong:
                print(f"{wrong}\n--- what make run said:\n{services.output.read_text()}", file=sys.stderr)
                for service in sorted(clone.glob("var/logs/*.log")):
                    print(f"--- {service.name}:\n{service.read_text()[-5000:]}", file=sys.stderr)
                return 1
    print("make run started, served and stopped as it should.")
    return 0


def _take_packages(clone: Path) -> None:
    """Make the clone's environment of the packages of this one and the clone itself, where `make` would set one up."""
    told = subprocess.run(["make", "--dry-run", "run"], cwd=clone, check=True, capture_output=True, text=True).stdout
    if ".ci/setup" not in told:
        raise SystemExit(f"`make run` would not set a clean clone up:\n{told}")
    environment = clone / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    (packages,) = environment.glob("lib/python3.*/site-packages")
    (packages / "requirements.pth").write_text(sysconfig.get_path("purelib"))
    python = str(environment / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    local = ["--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "install", "--quiet", *local, "--editable", str(clone)], check=True)
    (environment / ".ready").touch()


def _look(addresses: Mapping[str, str]) -> None:
    with httpx.Client(timeout=30, follow_redirects=True, trust_env=False) as client:
        for about, check in {
            "every asset is materialised for both partitions": _assets_are_materialised,
            "the wiki shows a page": _wiki_shows_a_page,
            "a search finds": _search_finds,
            "the API is described": _api_is_described,
        }.items():
            _checked(about, check, client, addresses)


def _checked(
    about: str, check: Callable[[httpx.Client, Mapping[str, str]], None], client: httpx.Client, at: Mapping[str, str]
) -> None:
    try:
        check(client, at)
    except (httpx.HTTPError, KeyError, ValueError) as error:
        raise WrongError(f"Not so: {about}. {type(error).__name__}: {error}") from error
    print(f"Seen: {about}.")


def _assets_are_materialised(client: httpx.Client, at: Mapping[str, str]) -> None:
    answer = client.post(urljoin(at["Dagster UI"], "/graphql"), json={"query": _STAGES}).raise_for_status().json()
    nodes: dict[str, Any] = {
        ".".join(node["assetKey"]["path"]): node["assetPartitionStatuses"] for node in answer["data"]["assetNodes"]
    }
    for asset in ASSETS:
        if set(nodes[asset]["materializedPartitions"]) != PARTITIONS:
            raise ValueError(f"{asset}: {json.dumps(nodes[asset])}")


def _wiki_shows_a_page(client: httpx.Client, at: Mapping[str, str]) -> None:
    front = client.get(at["Wiki"])
    home = client.get(_first_link(front, r"/wiki/confluence-HANDBOOK/"))
    page = client.get(_first_link(home, r"/wiki/confluence-HANDBOOK/[^\"/#?]+/[^\"#?]+"))
    if "<h1" not in page.raise_for_status().text:
        raise ValueError(f"{page.url} has no heading")


def _first_link(page: httpx.Response, pattern: str) -> str:
    found = re.search(rf'href="({pattern})"', page.raise_for_status().text)
    if found is None:
        raise ValueError(f"{page.url} links to no {pattern}")
    return str(page.url.join(found[1]))


def _search_finds(client: httpx.Client, at: Mapping[str, str]) -> None:
    for query, source in (
        ("tide gauge", "default:confluence:HANDBOOK"),
        ("reconcile", "default:git:wiki-pipeline"),
        ("PLAT-497", "default:jira:PLAT"),
    ):
        address = urljoin(at["Wiki"], "/v1/search?" + urlencode({"q": query, "source": source}))
        hits = client.get(address).raise_for_status().json()["hits"]
        if not hits or {hit["source"] for hit in hits} != {source}:
            raise ValueError(f"{query!r} in {source}: {hits}")


def _api_is_described(client: httpx.Client, at: Mapping[str, str]) -> None:
    client.get(at["API"]).raise_for_status()
    if "/v1/search" not in client.get(urljoin(at["API"], "/openapi.json")).raise_for_status().json()["paths"]:
        raise ValueError("no /v1/search in /openapi.json")


if __name__ == "__main__":
    sys.exit(main())
