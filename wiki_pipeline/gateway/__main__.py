"""`python -m wiki_pipeline.gateway`: serve until told to stop."""

from __future__ import annotations

import sys

from wiki_pipeline.errors import WikiPipelineError
from wiki_pipeline.gateway.server import serve
from wiki_pipeline.settings import Settings, load


def main() -> int:
    """Serve with the settings of the environment; 2 if they can't be used."""
    try:
        serve(load(Settings))
    except WikiPipelineError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
