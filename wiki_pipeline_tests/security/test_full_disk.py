"""A disk that is really full: what is kept can be read, a sync says what is wrong, and the next one makes it good."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from wiki_pipeline.demo.confluence import ConfluenceServer
from wiki_pipeline.errors import WikiPipelineError
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.settings import load
from wiki_pipeline_tests.gateway.conftest import serving
from wiki_pipeline_tests.installation import install_for_space, pipeline, sync

_MEGABYTES = 48
_PAGES = 30


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_MEGABYTES}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a disk, and not in every container")
    try:
        yield folder
    finally:
        os.chdir(tmp_path)
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(file: Path, leave: int) -> None:
    """Fill the disk of a file, but for some bytes."""
    with file.open("wb", buffering=0) as filler:
        try:
            while filler.write(b"\0" * 65_536):
                pass
        except OSError:
            pass
        filler.truncate(max(0, filler.tell() - leave))


@pytest.mark.parametrize("leave", [0, 150_000, 600_000], ids=["at once", "in the first table", "half-way"])
def test_a_full_disk_stops_a_sync_and_nothing_else(
    confluence_datacenter: ConfluenceServer, disk: Path, monkeypatch: pytest.MonkeyPatch, leave: int
) -> None:
    space = confluence_datacenter.space("ENG", "Engineering")
    pages = [space.add(f"Page {number}", f"<p>Turbines of number{number}.</p>") for number in range(_PAGES)]
    install_for_space(monkeypatch, disk, confluence_datacenter.url)
    with pipeline() as opened:
        sync(opened)
    settings = load(GatewaySettings, gateway_port=0)
    with serving(settings) as address, httpx.Client(base_url=address, timeout=60) as client:

        def found(words: str) -> set[str]:
            answer = client.get("/v1/search", params={"q": words, "k": _PAGES, "mode": "text"})
            assert answer.status_code == 200, answer.text
            return {hit["title"] for hit in answer.json()["hits"]}

        assert found("turbines") == {page.title for page in pages}
        for number, page in enumerate(pages):
            page.edit(f"<p>Boilers of number{number}. {os.urandom(10_000).hex()}</p>")
        fill(disk / "filler", leave)
        with pytest.raises(WikiPipelineError) as caught, pipeline() as opened:
            sync(opened)
        assert any(word in str(caught.value).lower() for word in ("space", "full", "room")), str(caught.value)
        assert found("turbines") or found("boilers")
        for path in ("/", "/readyz", "/v1/datasources", "/v1/documents/stale", "/search?q=turbines"):
            assert client.get(path).status_code == 200, path
        (disk / "filler").unlink()
        with pipeline() as opened:
            sync(opened)
        assert found("boilers") == {page.title for page in pages}
        assert found("turbines") == set()
