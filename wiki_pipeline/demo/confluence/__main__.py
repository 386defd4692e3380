"""The test server as its own process: `python -m wiki_pipeline.demo.confluence --handbook --port 8090`.

Prints one line that ends with its address when it listens, and serves until it is stopped.
"""

from __future__ import annotations

import argparse
import socket

from wiki_pipeline.demo.confluence.control import Control
from wiki_pipeline.demo.confluence.server import ConfluenceServer
from wiki_pipeline.demo.confluence.spaces import generate_space, load_folder


def _generated(text: str) -> tuple[str, int]:
    key, _, pages = text.partition(":")
    if not key or not pages.isdigit():
        raise argparse.ArgumentTypeError("is written SPACEKEY:PAGES, as BIG:10000")
    return key, int(pages)


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(
        prog="confluence_server", description="A Confluence for tests, demos and benchmarks."
    )
    parser.add_argument("--handbook", action="store_true", help="serve the demo handbook, space HANDBOOK")
    parser.add_argument("--generated", action="append", type=_generated, default=[], metavar="SPACEKEY:PAGES")
    parser.add_argument("--flavour", choices=("cloud", "datacenter"), default="cloud")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--fd", type=int, help="serve on this inherited socket, which listens already")
    parser.add_argument("--latency", type=float, default=0.0, metavar="MS", help="added to every answer")
    parser.add_argument("--seed", type=int, default=0, help="of generated spaces")
    options = parser.parse_args()
    inherited = None if options.fd is None else socket.socket(fileno=options.fd)
    address = inherited.getsockname()[:2] if inherited else (options.host, options.port)
    server = ConfluenceServer(options.flavour, latency=options.latency / 1000, host=address[0], port=address[1])
    server.app.control = Control(server).answer
    if options.handbook:
        load_folder(server.site)
    for key, pages in options.generated:
        generate_space(server.site, key, pages, options.seed)
    server.serve_forever(
        lambda: print(f"Confluence test server ({options.flavour}): {server.url}", flush=True), inherited
    )


if __name__ == "__main__":
    main()
