"""`python -m wiki_pipeline.gateway`: serve until it is stopped."""

from __future__ import annotations

import argparse
import socket
import sys

from wiki_pipeline.errors import WikiPipelineError
from wiki_pipeline.gateway.server import listen, serve
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.settings import load


def main() -> int:
    """Serve with the settings of the environment; 2 if they can't be used."""
    parser = argparse.ArgumentParser(prog="wiki_pipeline.gateway", description="Wiki and API over HTTP.")
    parser.add_argument("--fd", type=int, help="serve on this inherited socket, which listens already")
    inherited: int | None = parser.parse_args().fd
    try:
        settings = load(GatewaySettings)
        serve(settings, listen(settings) if inherited is None else socket.socket(fileno=inherited))
    except WikiPipelineError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
