"""The order and titles of a repository's documentation: as it orders itself, else its README first, then by name."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from wiki_pipeline.repository_wiki.facts import Placed
from wiki_pipeline.repository_wiki.structure import PROSE, Repository


def placed(repository: Repository) -> tuple[Placed, ...]:
    """The documents that a table of contents of the repository names, or whose front matter says where they stand, each
    once, with the title that they have there (empty: their own). Folders with a title of their own end with a slash."""
    seen: set[str] = set()
    found: list[Placed] = []
    for each in (*_listed(repository), *_numbered(repository)):
        there = each.path in repository.files or each.path in repository.folders
        if there and each.path not in seen:
            seen.add(each.path)
            found.append(each)
    return tuple(found)


def _listed(repository: Repository) -> Iterator[Placed]:
    """Tables of contents from the outermost inwards: what one names may be one itself, as toctrees are."""
    done: set[str] = set()

    def follow(path: str, depth: int) -> Iterator[Placed]:
        if path in done or depth > 12:
            return
        done.add(path)
        for each in repository.files[path].facts.order:
            yield Placed(each.path, each.title, min(each.depth + depth, 12))
            if each.path in repository.files and repository.files[each.path].facts.order:
                yield from follow(each.path, depth + each.depth + 1)

    roots = sorted(
        (path for path, file in repository.files.items() if file.facts.order),
        key=lambda path: (path.count("/"), posixpath.basename(path) not in {"index.rst", "index.md"}, path),
    )
    for root in roots:
        yield from follow(root, 0)


def _numbered(repository: Repository) -> Iterator[Placed]:
    """Pages by the position in their front matter, folder by folder."""
    numbered = [
        (posixpath.dirname(path), file.facts.namespace, path)
        for path, file in repository.files.items()
        if file.facts.language in PROSE and file.facts.namespace.startswith("position ")
    ]
    for _, _, path in sorted(numbered, key=lambda each: (each[0], int(each[1].split()[1]), each[2])):
        yield Placed(path, "", path.count("/"))


def documents(repository: Repository) -> list[str]:
    """All documents in reading order: those that are placed, then the others, READMEs and outer ones first."""
    order = {each.path: number for number, each in enumerate(placed(repository))}
    prose = [p for p, file in repository.files.items() if file.facts.language in PROSE and not repository.is_test(p)]
    readmes = {repository.readme(folder) for folder in repository.folders}
    return sorted(
        prose, key=lambda p: (p != repository.readme(""), order.get(p, len(order)), p.count("/"), p not in readmes, p)
    )
