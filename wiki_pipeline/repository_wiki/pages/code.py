"""Pages of packages (folders) and modules (files)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from wiki_pipeline.repository_wiki.facts import Symbol
from wiki_pipeline.repository_wiki.markdown import bullets, code, fenced, joined, link, plain, said, section, table
from wiki_pipeline.repository_wiki.pages.plan import Address, Plan, Written, manifest, upstream
from wiki_pipeline.repository_wiki.structure import Commit, Repository, SurveyedFile, Use

_MEMBERS = {"method", "attribute", "property", "constructor", "prototype", "constant"}
_SYMBOLS = 300
_WORDS = {"command": "Commands", "option": "Options", "route": "Routes", "setting": "Settings", "schema": "Data models"}


def plans(repository: Repository, address: Address) -> Iterator[Plan]:
    """A page for each folder that holds anything, then one for each file of code."""
    for folder in sorted(repository.folders):
        if folder:
            yield _package(repository, address, folder)
    for path in repository.modules:
        yield _module(repository, address, path)


# --- modules ---------------------------------------------------------------------------------------------------------


def _module(repository: Repository, address: Address, path: str) -> Plan:
    file = repository.files[path]
    uses, users = repository.imports.get(path, []), repository.users(path)
    lines = {use.path: _lines_of(repository, use) for use in uses if use.names}
    inputs = {
        "file": file.state,
        "imports": [(use.path, use.names, use.line) for use in uses],
        "imported by": [(use.path, use.names, use.line) for use in users],
        "imported symbols": lines,
        "owners": repository.owners(path),
        "changes": [commit.oid for commit in repository.changes_of.get(path, ())],
        "authors": repository.authors_of.get(path, []),
    }

    def write() -> Written:
        return Written(
            joined(
                said(file.facts.purpose),
                _facts(repository, path, users),
                _outline(file),
                _found(file),
                section("Imports", _uses(repository, address, uses)),
                section(
                    "Imported by", _users(repository, address, [u for u in users if not repository.is_test(u.path)])
                ),
                section("Tests", _users(repository, address, [u for u in users if repository.is_test(u.path)])),
                section("Last changes", _changes(repository.changes_of.get(path, ()))),
                "".join(f"> {plain(note)}\n" for note in file.facts.notes),
            )
        )

    return Plan(path, file.name, "module", manifest(inputs), write, file)


def _facts(repository: Repository, path: str, users: Sequence[Use]) -> str:
    file = repository.files[path]
    tested = sum(repository.is_test(use.path) for use in users)
    facts = [
        f"{plain(file.facts.language)}, {file.facts.lines:,} lines",
        f"{len(repository.public(path)):,} public symbols",
        f"imported by {len(users) - tested:,}",
        f"tested by {tested:,}" if not repository.is_test(path) else "a test",
    ]
    if owners := repository.owners(path):
        facts.append(f"owned by {plain(owners)}")
    if authors := repository.authors_of.get(path):
        facts.append("lately changed by " + ", ".join(f"{plain(name)} ({count})" for name, count in authors[:3]))
    return " · ".join(facts)


def _outline(file: SurveyedFile) -> str:
    """The public symbols, members below what they belong to; each leads to its line."""
    shown = [symbol for symbol in file.facts.symbols if symbol.public]
    parts: list[str] = []
    for symbol in shown[:_SYMBOLS]:
        if "." in symbol.name and symbol.kind in _MEMBERS:
            parts.append(f"- {_named(file, symbol)}{_after(symbol)}")
        else:
            parts += [f"### {code(symbol.name)}", f"{_named(file, symbol)}{_kind(symbol)}", _described(symbol)]
    more = f"and {len(shown) - _SYMBOLS:,} more." if len(shown) > _SYMBOLS else ""
    return section("Public symbols", joined(*_close(parts), more)) if shown else ""


def _close(parts: Sequence[str]) -> list[str]:
    """Items of one list stand together."""
    blocks: list[str] = []
    for part in filter(None, parts):
        if part.startswith("- ") and blocks and blocks[-1].startswith("- "):
            blocks[-1] += f"\n{part}"
        else:
            blocks.append(part)
    return blocks


def _named(file: SurveyedFile, symbol: Symbol) -> str:
    there = upstream(file, symbol.line, symbol.end_line)
    pinned = f" ({link('original', there)})" if there else ""
    return link(code(symbol.signature or symbol.name), f"#L{symbol.line}") + pinned


def _kind(symbol: Symbol) -> str:
    last = f"-{symbol.end_line}" if symbol.end_line > symbol.line else ""
    return f" · {symbol.kind}, line {symbol.line}{last}"


def _after(symbol: Symbol) -> str:
    first = symbol.doc.strip().split("\n\n")[0]
    return f": {said(first[:300])}" if first else ""


def _described(symbol: Symbol) -> str:
    first, _, rest = symbol.doc.strip().partition("\n\n")
    return joined(said(first), fenced(rest.strip("\n")) if rest.strip() else "").strip()


def _found(file: SurveyedFile) -> str:
    parts = []
    for kind, title in _WORDS.items():
        rows = [
            (link(code(each.name), f"#L{each.line}"), said(each.detail), plain(each.group))
            for each in file.facts.findings
            if each.kind == kind
        ]
        parts.append(section(title, table(["Name", "What", "By"], rows, 100)))
    return joined(*parts).strip()


def _lines_of(repository: Repository, use: Use) -> list[tuple[str, int]]:
    """Where the names that a file takes from another are defined there."""
    file = repository.files.get(use.path)
    defined = {symbol.name: symbol.line for symbol in file.facts.symbols} if file else {}
    return [(name, defined.get(name, 0)) for name in use.names]


def _uses(repository: Repository, address: Address, uses: Sequence[Use]) -> str:
    items = []
    for use in uses:
        names = ", ".join(
            link(code(name), address.of(use.path, line)) if line else code(name)
            for name, line in _lines_of(repository, use)[:30]
        )
        items.append(
            link(code(use.path), address.of(use.path))
            + (f": {names}" if names else "")
            + f" ({link(f'line {use.line}', f'#L{use.line}')})"
        )
    return bullets(items, 100)


def _users(repository: Repository, address: Address, users: Sequence[Use]) -> str:
    items = []
    for use in users:
        names = ", ".join(map(code, use.names[:12]))
        items.append(f"{link(code(use.path), address.of(use.path, use.line))}" + (f" uses {names}" if names else ""))
    return bullets(items, 100)


def _changes(commits: Sequence[Commit]) -> str:
    rows = [(_day(commit), plain(commit.subject), plain(commit.author), code(commit.oid[:8])) for commit in commits]
    return table(["When", "What", "Who", "Commit"], rows)


def _day(commit: Commit) -> str:
    return commit.at.date().isoformat() if commit.at else ""


# --- packages --------------------------------------------------------------------------------------------------------


def _package(repository: Repository, address: Address, folder: str) -> Plan:
    own = repository.folders.get(folder, [])
    below = repository.subfolders.get(folder, [])
    uses, users = _across(repository, folder)
    manifests = repository.projects.get(folder, [])
    last = next(iter(repository.changes_of.get(folder, ())), None)
    inputs = {
        "files": [(path, repository.files[path].facts.purpose, len(repository.public(path))) for path in own],
        "folders": [(other, repository.purpose(other)) for other in below],
        "purpose": repository.purpose(folder),
        "size": repository.sizes[folder],
        "uses": uses,
        "used by": users,
        "manifests": [repository.files[path].state for path in manifests],
        "owners": repository.owners(folder),
        "changes": [commit.oid for commit in repository.changes_of.get(folder, ())],
        "authors": repository.authors_of.get(folder, []),
    }

    def write() -> Written:
        facts = ["{:,} files, {:,} lines".format(*repository.sizes[folder])]
        if owners := repository.owners(folder):
            facts.append(f"owned by {plain(owners)}")
        if authors := repository.authors_of.get(folder):
            facts.append("lately changed by " + ", ".join(f"{plain(name)} ({count})" for name, count in authors[:3]))
        if last is not None:
            facts.append(f"last commit {code(last.oid[:8])} of {_day(last)} by {plain(last.author)}")
        rows = [
            (link(code(posixpath.basename(o.rstrip("/")) + "/"), address.of(o)), said(repository.purpose(o)))
            for o in below
        ]
        rows += [(link(code(posixpath.basename(p)), address.of(p)), said(repository.purpose(p))) for p in own]
        return Written(
            joined(
                said(repository.purpose(folder)),
                " · ".join(facts),
                _project(repository, address, manifests),
                section("Contents", table(["Name", "Purpose"], rows)),
                section(
                    "Uses", bullets([link(code(other), address.of(other)) + f" ({count})" for other, count in uses], 60)
                ),
                section(
                    "Used by",
                    bullets([link(code(other), address.of(other)) + f" ({count})" for other, count in users], 60),
                ),
                section("Last changes", _changes(repository.changes_of.get(folder, ()))),
            )
        )

    return Plan(folder, posixpath.basename(folder.rstrip("/")), "package", manifest(inputs), write)


def _project(repository: Repository, address: Address, manifests: Sequence[str]) -> str:
    """What the manifests in a folder say of the project in it."""
    rows = [
        (link(code(each.name), address.of(path, each.line)), said(each.detail))
        for path in manifests
        for each in repository.files[path].facts.findings
        if each.kind in {"about", "task", "entry"} and not each.detail.startswith("by convention")
    ]
    return section("Project", table(["What", "Says"], rows, 60))


def _across(repository: Repository, folder: str) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Other folders that the files of a folder use, and those that use them, with how many files do."""
    return repository.folder_uses.get(folder, []), repository.folder_users.get(folder, [])
