"""What is made from the chart and kept beside it: its README from the comments of its values, and plain manifests for
those without Helm. `python -m wiki_pipeline_tests.deploy.generate` writes them; a test says when they are behind."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from wiki_pipeline_tests.deploy import chart, tools

_KEY = re.compile(r"^(?P<indent> *)(?P<name>[A-Za-z][A-Za-z0-9_]*):(?: (?P<value>.*))?$")
_MANIFESTS = tools.ROOT / "deploy" / "manifests"
_CLUSTER = ["namespace.create=true", "webserver.writing.enabled=true"]
_ABOUT = (
    "How to install it is in [deploy/README.md](../../README.md). This page is made from the comments of `values.yaml` "
    "(`python -m wiki_pipeline_tests.deploy.generate`); `values.schema.json` refuses what is not named here."
)
_HEADER = (
    "# Made by `python -m wiki_pipeline_tests.deploy.generate` from deploy/helm/wiki-pipeline: change that, not this.\n"
)


@dataclass(frozen=True)
class Value:
    """A value of the chart: its path, its default in YAML, what its comment says."""

    path: str
    default: str
    about: str


def values(text: str) -> Iterator[Value]:
    """The values that have no values inside, or a comment of their own, in the order of the file."""
    path: list[tuple[int, str]] = []
    comment: list[str] = []
    defaults = yaml.safe_load(text)
    for line in text.splitlines():
        if line.strip().startswith("#"):
            comment.append(line.strip().removeprefix("#").strip())
            continue
        found = _KEY.match(line)
        if found:
            indent = len(found["indent"])
            path = [*(each for each in path if each[0] < indent), (indent, found["name"])]
            names = [name for _, name in path]
            if found["value"] or comment:
                value = _inside(defaults, names)
                default = "" if isinstance(value, dict) and not found["value"] else _short(value)
                yield Value(".".join(names), default, " ".join(comment))
        comment = []


def _inside(given: object, names: Sequence[str]) -> object:
    for name in names:
        if not isinstance(given, dict):
            break
        given = given[name]
    return given


def _short(value: object) -> str:
    return str(yaml.safe_dump(value, default_flow_style=True, width=1_000_000).removesuffix("...\n")).strip()


def readme() -> str:
    """The chart's README."""
    lines = [
        "# wiki-pipeline: the chart's values",
        "",
        _ABOUT,
        "",
        "| value | default | about |",
        "| --- | --- | --- |",
    ]
    for value in values((chart.CHART / "values.yaml").read_text(encoding="utf-8")):
        default = f"`{value.default}`" if value.default else ""
        lines.append(f"| `{value.path}` | {_cell(default)} | {_cell(value.about)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def manifests() -> Mapping[str, str]:
    """Plain manifests by file name: what comes first, the migration that has to end before the rest, and the rest."""
    documents = [each.strip() for each in re.split(r"^---$", chart.text("default", *_CLUSTER), flags=re.MULTILINE)]
    first, migration, rest = [], [], []
    for document in documents:
        made = yaml.safe_load(document)
        if made is None:
            continue
        if made["kind"] == "Namespace":
            first.append(document)
        elif "helm.sh/hook" in made["metadata"].get("annotations", {}):
            migration.append(document)
        else:
            rest.append(document)
    files = {"00-namespace.yaml": first, "10-migration.yaml": migration, "20-wiki-pipeline.yaml": rest}
    stateless = [chart.text("stateless").strip().removeprefix("---").strip()]
    return {
        name: _HEADER + "---\n" + "\n---\n".join(each) + "\n"
        for name, each in {**files, "stateless.yaml": stateless}.items()
    }


def files() -> Mapping[Path, str]:
    """Every file that is made, with its content."""
    made = {chart.CHART / "README.md": readme()}
    return made | {_MANIFESTS / name: content for name, content in manifests().items()}


def main() -> None:
    """Write all files."""
    for path, content in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
        print(path.relative_to(tools.ROOT))


if __name__ == "__main__":
    try:
        main()
    except subprocess.SubprocessError as problem:
        raise SystemExit(str(problem)) from None
