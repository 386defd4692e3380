"""The Jira as its own process: `python -m wiki_pipeline.demo.jira --project --port 8091`.

Prints one line that ends with its address when it listens, and serves until it is told to stop.
"""

from __future__ import annotations

import argparse
import socket

from wiki_pipeline.demo.jira.generated import generate_issues
from wiki_pipeline.demo.jira.project import load_project
from wiki_pipeline.demo.jira.server import JiraServer


def _generated(text: str) -> tuple[str, int]:
    key, _, issues = text.partition(":")
    if not key or not issues.isdigit():
        raise argparse.ArgumentTypeError("is written PROJECTKEY:ISSUES, as BIG:10000")
    return key, int(issues)


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="jira_server", description="A Jira for tests, demos and benchmarks.")
    parser.add_argument("--project", action="store_true", help="serve the demo's project, PLAT")
    parser.add_argument("--generated", action="append", type=_generated, default=[], metavar="PROJECTKEY:ISSUES")
    parser.add_argument("--flavour", choices=("cloud", "datacenter"), default="cloud")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--fd", type=int, help="serve on this inherited socket, which listens already")
    options = parser.parse_args()
    inherited = None if options.fd is None else socket.socket(fileno=options.fd)
    address = inherited.getsockname()[:2] if inherited else (options.host, options.port)
    server = JiraServer(options.flavour, host=address[0], port=address[1])
    if options.project:
        load_project(server.site)
    for key, issues in options.generated:
        generate_issues(server.site, key, issues)
    server.serve_forever(lambda: print(f"Jira test server ({options.flavour}): {server.url}", flush=True), inherited)


if __name__ == "__main__":
    main()
