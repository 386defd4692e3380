"""`make mcp-test`: what npm's conformance suite and inspector say of the MCP server. Needs Node.js 22 and a network.

Of the suite's scenarios those are run that any server can pass; the others want tools and prompts that it prescribes.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.gateway.conftest import bring, serving
from wiki_pipeline_tests.gateway.documents import FILES, PAGES, REPOSITORY, SPACE

CONFORMANCE = "@modelcontextprotocol/conformance@0.1.16"
INSPECTOR = "@modelcontextprotocol/inspector@2.12.0"
SCENARIOS = [
    "server-initialize",
    "ping",
    "tools-list",
    "resources-list",
    "completion-complete",
    "dns-rebinding-protection",
]
PAGE = f"wiki://{SPACE.slug}/110"
INSPECTED = {
    "tools/list": ([], '"search_passages"'),
    "tools/call": (["--tool-name", "fetch", "--tool-arg", f"id={PAGE}"], "station"),
    "resources/list": ([], PAGE),
    "resources/templates/list": ([], "wiki://{source}"),
    "resources/read": (["--uri", PAGE], "station"),
}
_SECONDS = 300


def main() -> int:
    """Ask both; 1 if either is not content, 2 where they can't be run."""
    npx = shutil.which("npx")
    if npx is None:
        print("There is no npx here: install Node.js 22.", file=sys.stderr)
        return 2
    failed = []
    with tempfile.TemporaryDirectory() as home:
        settings = load(GatewaySettings, home=Path(home), gateway_port=0)
        with Pipeline.open(settings) as pipeline:
            pipeline.catalog.add_source(SPACE, "{}", "Engineering")
            pipeline.catalog.add_source(REPOSITORY, "{}", "rocket")
            bring(pipeline, REPOSITORY, FILES)
            bring(pipeline, SPACE, PAGES)
        with serving(settings) as address:
            for scenario in SCENARIOS:
                command = [npx, "--yes", CONFORMANCE, "server", "--url", f"{address}/mcp", "--scenario", scenario]
                if not _passed(f"conformance {scenario}", command, "0 failed"):
                    failed.append(scenario)
            for method, (arguments, expected) in INSPECTED.items():
                where = ["--cli", f"{address}/mcp", "--transport", "http"]
                command = [npx, "--yes", INSPECTOR, *where, "--method", method, *arguments]
                if not _passed(f"inspector {method}", command, expected):
                    failed.append(method)
    print(json.dumps({"failed": failed}))
    return 1 if failed else 0


def _passed(name: str, command: list[str], expected: str) -> bool:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    passed = done.returncode == 0 and expected in done.stdout
    print(f"{'ok    ' if passed else 'FAILED'} {name}", flush=True)
    if not passed:
        print(done.stdout[-2_000:], done.stderr[-2_000:], sep="\n")
    return passed


if __name__ == "__main__":
    sys.exit(main())
