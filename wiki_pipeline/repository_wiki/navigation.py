"""The order that a repository's documentation gives itself: mkdocs' nav, Sphinx' toctree, GitBook's and mdBook's
SUMMARY.md, Docusaurus' `_category_.json` and front matter, Antora's nav.adoc."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

import orjson
import yaml

from wiki_pipeline.repository_wiki.facts import Placed

_MOST = 2_000
_DEEPEST = 12
_ITEM = re.compile(r"^(?P<indent>[ \t]*)(?:[-*+]|\d+\.)\s+\[(?P<title>[^\]]*)\]\((?P<target>[^)\s]*)")
_XREF = re.compile(r"^(?P<stars>\*+)\s+xref:(?P<target>[^\[\s]+)\[(?P<title>[^\]]*)\]")
_TOCTREE = re.compile(r"^(?P<indent>[ ]*)\.\. toctree::|^(?P<fence>`{3,}|:{3,})\{toctree\}")
_ENTRY = re.compile(r"^(?:(?P<title>.+?)\s*<(?P<target>[^<>]+)>|(?P<bare>\S+))$")
_POSITION = re.compile(r"^(?:sidebar_position|nav_order|weight)\s*:\s*(-?\d{1,6})\b", re.MULTILINE)


def order_in(path: str, text: str) -> tuple[Placed, ...]:
    """The documents that a file puts in order; paths from the repository's root, as far as the file says them."""
    name, folder = posixpath.basename(path).lower(), posixpath.dirname(path)
    if name in {"mkdocs.yml", "mkdocs.yaml"}:
        found = _mkdocs(text, folder)
    elif name == "summary.md":
        found = _summary(text, folder)
    elif name == "_category_.json":
        found = _category(text, folder)
    elif name == "nav.adoc":
        found = _antora(text, folder)
    elif name.endswith((".rst", ".md")):
        found = _toctree(text, folder, name[name.rindex(".") :])
    else:
        return ()
    return tuple(placed for placed, _ in zip(found, range(_MOST), strict=False))


def own_position(text: str) -> int | None:
    """The position among its siblings that a page's front matter gives it."""
    if not text.startswith("---"):
        return None
    found = _POSITION.search(text[: max(0, text.find("\n---", 3))])
    return int(found[1]) if found else None


def _at(folder: str, target: str) -> str:
    """A target's path from the root; empty if it leads out or elsewhere."""
    target = target.partition("#")[0]
    if not target or "://" in target or target.startswith(("/", "mailto:")):
        target = target.lstrip("/") if target.startswith("/") else ""
    joined = posixpath.normpath(posixpath.join(folder, target)) if target else ""
    return "" if joined.startswith("..") else joined


class _Ignorant(yaml.SafeLoader):  # type: ignore[misc]
    """Reads mkdocs.yml, whose tags name Python functions: none is made."""


_Ignorant.add_multi_constructor("", lambda loader, suffix, node: None)


def _mkdocs(text: str, folder: str) -> Iterator[Placed]:
    read = yaml.load(text, Loader=_Ignorant) if len(text) < 200_000 else None  # noqa: S506 - a safe loader
    if not isinstance(read, dict):
        return
    docs = posixpath.join(folder, str(read.get("docs_dir", "docs")))
    waiting: list[tuple[object, str, int]] = [(read.get("nav"), "", 0)]
    seen = 0  # anchors may make a list a part of itself, or a part of many
    while waiting and seen < 5 * _MOST:
        node, title, depth = waiting.pop()
        seen += 1
        if isinstance(node, str):
            if path := _at(docs, node):
                yield Placed(path, title[:200], depth)
        elif depth < _DEEPEST and isinstance(node, list):
            if title:
                yield Placed("", title[:200], depth)
            below: list[tuple[object, str, int]] = []
            for each in node[:_MOST]:
                pairs = each.items() if isinstance(each, dict) else [("", each)]
                below += [(value, str(key), depth + bool(title)) for key, value in pairs]
            waiting = [*waiting[-5 * _MOST :], *reversed(below)]


def _summary(text: str, folder: str) -> Iterator[Placed]:
    for line in text.split("\n"):
        if found := _ITEM.match(line):
            depth = min(len(found["indent"].expandtabs(4)) // 2, _DEEPEST)
            yield Placed(_at(folder, found["target"]), found["title"][:200], depth)


def _category(text: str, folder: str) -> Iterator[Placed]:
    read = orjson.loads(text)
    if isinstance(read, dict) and isinstance(read.get("label"), str):
        position = read.get("position")
        yield Placed(f"{folder}/", read["label"][:200], position if isinstance(position, int) else 0)


def _antora(text: str, folder: str) -> Iterator[Placed]:
    for line in text.split("\n"):
        if found := _XREF.match(line):
            target = found["target"].rpartition(":")[2]
            yield Placed(_at(posixpath.join(folder, "pages"), target), found["title"][:200], len(found["stars"]) - 1)


def _toctree(text: str, folder: str, ending: str) -> Iterator[Placed]:
    inside: str | None = None
    for line in text.split("\n"):
        if inside is None:
            if begins := _TOCTREE.match(line):
                inside = begins["fence"] or ""
            continue
        bare = line.strip()
        ends = bare.startswith(inside) if inside else bool(bare) and not line.startswith((" ", "\t"))
        if ends:
            inside = None
        elif bare and not bare.startswith(":") and "*" not in bare and (found := _ENTRY.match(bare)):
            target = found["target"] or found["bare"]
            known = target.endswith((".rst", ".md", ".ipynb"))
            if path := _at(folder, target if known else f"{target}{ending}"):
                yield Placed(path, (found["title"] or "")[:200], 0)
