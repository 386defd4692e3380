"""The least that any client must do: page through a space with httpx, one answer after the other.

Usage: `python -m ...httpx_loop ADDRESS SPACE LIMIT EXPAND`; prints JSON.
"""

from __future__ import annotations

import sys

import httpx
import orjson

from wiki_pipeline_tests.benchmarks.measure import Clock


def main(address: str, space: str, limit: str, expand: str) -> None:
    """Walk the whole space once."""
    clock, pages = Clock(), 0
    with httpx.Client(base_url=address, timeout=60, headers={"Authorization": "Bearer any"}) as client:
        while True:
            query = {"spaceKey": space, "type": "page", "status": "current", "expand": expand, "limit": limit}
            answer = client.get("/rest/api/content", params={**query, "start": str(pages)})
            body = orjson.loads(answer.raise_for_status().content)
            pages += len(body["results"])
            if "next" not in body["_links"]:
                break
    clock.stop(pages=pages)


if __name__ == "__main__":
    main(*sys.argv[1:5])
