"""The least that any client must do: page through a space with httpx, one answer after the other.

Usage: `python -m ...httpx_loop ADDRESS SPACE list|bodies`; prints JSON. `list` asks for what tells that a page changed
(version, ancestors, labels), `bodies` for the storage format.
"""

from __future__ import annotations

import sys
import time

import httpx
import orjson

from wiki_pipeline_tests.benchmarks.measure import print_figures

EXPAND = {"list": "version,ancestors,metadata.labels", "bodies": "body.storage,version"}


def main(address: str, space: str, what: str) -> None:
    """Walk the whole space once."""
    started, start, pages = time.perf_counter(), 0, 0
    with httpx.Client(base_url=address, timeout=60, headers={"Authorization": "Bearer any"}) as client:
        while True:
            query = {"spaceKey": space, "type": "page", "status": "current", "expand": EXPAND[what]}
            answer = client.get("/rest/api/content", params={**query, "start": str(start), "limit": "200"})
            body = orjson.loads(answer.raise_for_status().content)
            pages += len(body["results"])
            start += len(body["results"])
            if "next" not in body["_links"]:
                break
    print_figures(seconds=time.perf_counter() - started, pages=pages)


if __name__ == "__main__":
    main(*sys.argv[1:4])
