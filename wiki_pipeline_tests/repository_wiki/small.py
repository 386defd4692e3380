"""A small repository in several languages, and its surveyed form, made here."""

# ruff: noqa: E501 - an example file is one string

from __future__ import annotations

from datetime import UTC, datetime

from wiki_pipeline.model import digest
from wiki_pipeline.repository_wiki.structure import Commit, Repository, SurveyedFile, by_path
from wiki_pipeline.repository_wiki.survey import survey
from wiki_pipeline.sources.git.names import media_type_of

COMMIT = "ab" * 20
FILES: dict[str, str] = {
    "README.md": "# Harbour\n\n![badge](x.svg)\n\nHarbour tracks ships as they **come** and go.\n",
    "LICENSE": "MIT License\n\nPermission is hereby granted, free of charge, to any person\n",
    "Makefile": "## Run all tests\ntest: deps\n\tpytest\n\nrun: ## Start the harbour\n\tpython -m harbour\n",
    "pyproject.toml": '[project]\nname = "harbour"\nversion = "1.2"\ndescription = "Ships, watched."\n'
    'dependencies = [\n  "httpx>=0.28",\n]\n[project.scripts]\nharbour = "harbour.cli:main"\n',
    "CODEOWNERS": "* @everyone\n/harbour/ @pilots\n*.go @gophers\n",
    "harbour/__init__.py": '"""The harbour\'s own package."""\n',
    "harbour/ships.py": '"""Ships and where they lie."""\n\nfrom dataclasses import dataclass\n\n\n@dataclass\nclass Ship:\n'
    '    """A vessel.\n\n    More of it.\n    """\n\n    name: str\n\n    def moor(self, berth: int = 1) -> bool:\n'
    '        """Tie it up."""\n        return True\n\n    def _secret(self) -> None: ...\n',
    "harbour/web.py": "from fastapi import FastAPI\n\nfrom harbour.ships import Ship\n\napp = FastAPI()\n\n\n"
    '@app.get("/ships/{name}")\nasync def ship(name: str) -> Ship:\n    return Ship(name)\n',
    "harbour/cli.py": "import os\n\nimport click\n\nfrom . import web\n\nPORT = os.environ.get('HARBOUR_PORT', '8080')\n\n\n"
    '@click.command()\n@click.option(\'--loud\', help=\'Say more.\')\ndef main() -> None:\n    """Serve the harbour."""\n',
    "tests/test_ships.py": "from harbour.ships import Ship\n\n\ndef test_mooring():\n    assert Ship('a').moor()\n",
    "pilot/go.mod": "module example.org/pilot\n\nrequire github.com/gin-gonic/gin v1.9.0\n",
    "pilot/main.go": 'package main\n\nimport "example.org/pilot/tide"\n\nfunc main() {\n\ttide.Table()\n}\n',
    "pilot/tide/tide.go": "// Package tide knows the tides.\npackage tide\n\n// Table tells them.\nfunc Table() []int { return nil }\n",
    "docs/index.md": "# Guide\n\nWhere to begin.\n",
    "docs/zebra.md": "# Last in name\n\nFirst in order.\n",
    "docs/anchor.md": "# Anchors\n\nAbout anchors.\n",
    "mkdocs.yml": "site_name: Harbour\nnav:\n  - Home: index.md\n  - Zebras first: zebra.md\n  - anchor.md\n",
    ".github/workflows/ci.yml": "name: ci\non: [push]\njobs:\n  check:\n    steps:\n      - run: make test\n",
    "deploy/app.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: harbour\n",
    "db/schema.sql": "CREATE TABLE ships (name text);\n",
}


def surveyed(files: dict[str, str], commits: tuple[Commit, ...] = ()) -> Repository:
    """The repository of some files, as the stage puts it together."""
    found = [
        SurveyedFile(
            path,
            survey(path, text, media_type_of(path, text)),
            digest(path, text),
            path,
            f"https://github.com/acme/harbour/blob/{COMMIT}/{path}",
            COMMIT,
            "Ada Lovelace",
            datetime(2026, 11, 1, tzinfo=UTC),
        )
        for path, text in files.items()
    ]
    return Repository("harbour", by_path(found), commits, digest(commits))


HISTORY = (
    Commit("c2" * 20, "Ada Lovelace", datetime(2026, 11, 1, tzinfo=UTC), "Moor ships", ("harbour/ships.py",)),
    Commit("c1" * 20, "Ben Ito", datetime(2026, 10, 1, tzinfo=UTC), "Begin", ("harbour/ships.py", "README.md")),
)
