"""Pages that gather one subject from all files: interfaces, settings, data, dependencies, pipelines, deployment,
history, glossary, coverage."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from wiki_pipeline.repository_wiki.facts import Finding
from wiki_pipeline.repository_wiki.markdown import code, joined, link, plain, said, section, table
from wiki_pipeline.repository_wiki.pages.plan import OWN, Address, Plan, Written, manifest
from wiki_pipeline.repository_wiki.structure import PROSE, Repository

Found = list[tuple[str, Finding]]


def plans(repository: Repository, address: Address) -> Iterator[Plan]:
    """Those of which the repository has anything."""
    for name, title, kinds, write in _GATHERED:
        if found := list(repository.findings(*kinds)):
            yield _gathered(repository, address, (name, title), found, write)
    if repository.commits:
        yield _history(repository, address)
    yield _glossary(repository, address)
    yield _coverage(repository, address)


def _gathered(
    repository: Repository,
    address: Address,
    named: tuple[str, str],
    found: Found,
    write: Callable[[Repository, Address, Found], str],
) -> Plan:
    inputs: dict[str, object] = {
        kind: [each for each in found if each[1].kind == kind] for kind in {f.kind for _, f in found}
    }
    if named[0] == "dependencies":
        inputs["external"] = repository.external
    inputs = dict(sorted(inputs.items()))
    return Plan(
        OWN + named[0], named[1], "overview", manifest(inputs), lambda: Written(write(repository, address, found))
    )


def _where(address: Address, path: str, finding: Finding) -> str:
    return link(code(f"{path}:{finding.line}"), address.of(path, finding.line))


def _by_group(found: Found) -> dict[str, Found]:
    groups: dict[str, Found] = defaultdict(list)
    for path, finding in found:
        groups[finding.group].append((path, finding))
    return dict(sorted(groups.items()))


def _rows(address: Address, found: Found) -> list[tuple[str, str, str]]:
    return [(code(f.name), said(f.detail), _where(address, path, f)) for path, f in found]


def _of_kind(found: Found, *kinds: str) -> Found:
    return [each for each in found if each[1].kind in kinds]


def _interfaces(repository: Repository, address: Address, found: Found) -> str:
    routes = _by_group(_of_kind(found, "route"))
    parts = [
        section(plain(group), table(["Route", "Handled by", "Where"], _rows(address, some)), 3)
        for group, some in routes.items()
    ]
    return joined(
        section("HTTP routes", joined(*parts).strip()),
        section("Commands", table(["Command", "Does", "Where"], _rows(address, _of_kind(found, "command")))),
        section("Options", table(["Option", "Means", "Where"], _rows(address, _of_kind(found, "option")))),
    )


def _settings(repository: Repository, address: Address, found: Found) -> str:
    by_name: dict[str, Found] = defaultdict(list)
    for path, finding in found:
        by_name[finding.name].append((path, finding))
    rows = []
    for name, some in sorted(by_name.items()):
        defaults = list(
            dict.fromkeys(f.detail for _, f in some if f.detail and f.detail not in {"required", "set here"})
        )
        places = ", ".join(_where(address, path, f) for path, f in some[:6]) + (
            f" and {len(some) - 6} more" if len(some) > 6 else ""
        )
        rows.append(
            (
                code(name),
                ", ".join(map(code, defaults[:3])),
                ", ".join(sorted({plain(f.group) for _, f in some})),
                places,
            )
        )
    return joined(
        "What the code reads from its environment, and what manifests set, by syntax.",
        table(["Name", "Default", "By", "Where"], rows, 1_000),
    )


def _data(repository: Repository, address: Address, found: Found) -> str:
    return joined(
        *(
            section(plain(group), table(["Name", "Fields", "Where"], _rows(address, some)))
            for group, some in _by_group(found).items()
        )
    )


def _dependencies(repository: Repository, address: Address, found: Found) -> str:
    parts = [
        section(
            plain(group),
            table(
                ["Package", "Version", "Declared"],
                [(code(f.name), code(f.detail), _where(address, p, f)) for p, f in some],
            ),
        )
        for group, some in _by_group(found).items()
    ]
    used = [
        (code(name), str(count))
        for name, count in sorted(repository.external.items(), key=lambda item: (-item[1], item[0]))
    ]
    return joined(*parts, section("Imported from outside", table(["Name", "Files"], used, 200)))


def _pipelines(repository: Repository, address: Address, found: Found) -> str:
    return joined(
        *(
            section(plain(group), table(["Name", "What", "Where"], _rows(address, some)))
            for group, some in _by_group(found).items()
        )
    )


_GATHERED: tuple[tuple[str, str, tuple[str, ...], Callable[[Repository, Address, Found], str]], ...] = (
    ("interfaces", "Commands and routes", ("route", "command", "option"), _interfaces),
    ("settings", "Settings", ("setting",), _settings),
    ("data", "Data models", ("schema",), _data),
    ("dependencies", "Dependencies", ("dependency",), _dependencies),
    ("pipelines", "Pipelines", ("pipeline",), _pipelines),
    ("deployment", "Deployment", ("object",), _pipelines),
)


# --- history ---------------------------------------------------------------------------------------------------------


def _history(repository: Repository, address: Address) -> Plan:
    def write() -> Written:
        commits = repository.commits
        recent = [
            (
                each.at.date().isoformat() if each.at else "",
                plain(each.subject),
                plain(each.author),
                code(each.oid[:8]),
                str(len(each.paths)),
            )
            for each in commits[:40]
        ]
        people = Counter(each.author for each in commits)
        hot = Counter(path for each in commits for path in set(each.paths) if path in repository.files)
        spots = [
            (
                link(code(path), address.of(path)),
                str(count),
                ", ".join(plain(name) for name, _ in repository.authors_of.get(path, [])[:3]),
            )
            for path, count in sorted(hot.items(), key=lambda item: (-item[1], item[0]))[:40]
            if count > 1
        ]
        return Written(
            joined(
                f"By the last {len(commits):,} commits.",
                section("Recent changes", table(["When", "What", "Who", "Commit", "Files"], recent)),
                section("Hotspots", table(["File", "Commits", "By"], spots)),
                section(
                    "Contributors", table(["Who", "Commits"], [(plain(n), str(c)) for n, c in people.most_common(60)])
                ),
            )
        )

    known = sorted({path for each in repository.commits for path in each.paths if path in repository.files})
    return Plan(
        f"{OWN}history", "History", "overview", manifest({"history": repository.history_state, "files": known}), write
    )


# --- glossary --------------------------------------------------------------------------------------------------------


def _glossary(repository: Repository, address: Address) -> Plan:
    """Names that several files define or use: types with the sentence that describes them."""
    uses = Counter(name for path in repository.imports for use in repository.imports[path] for name in use.names)
    terms = []
    for path in repository.modules:
        if repository.is_test(path):
            continue
        for symbol in repository.public(path):
            first = symbol.doc.strip().partition("\n\n")[0]
            if "." not in symbol.name and symbol.kind in _TYPES and first:
                terms.append((uses[symbol.name], symbol.name, path, symbol.line, first[:240]))
    chosen = sorted(
        sorted(terms, key=lambda each: (-each[0], each[1]))[:200], key=lambda each: (each[1].casefold(), each[2])
    )

    def write() -> Written:
        rows = [(link(code(name), address.of(path, line)), said(first)) for _, name, path, line, first in chosen]
        return Written(
            joined("Types that the code describes, those that are used most.", table(["Term", "Meaning"], rows))
            if rows
            else "No type of this repository has a description in its code."
        )

    return Plan(f"{OWN}glossary", "Glossary", "overview", manifest({"terms": chosen}), write)


_TYPES = {"class", "struct", "interface", "trait", "enum", "record", "type", "module", "object", "union"}


# --- coverage --------------------------------------------------------------------------------------------------------


def _coverage(repository: Repository, address: Address) -> Plan:
    modules = [path for path in repository.modules if not repository.is_test(path)]
    rows: list[tuple[str, int, int, int, int, int]] = []
    by_language: dict[str, list[str]] = defaultdict(list)
    for path in modules:
        by_language[repository.files[path].facts.language].append(path)
    for language, paths in sorted(by_language.items()):
        symbols = [symbol for path in paths for symbol in repository.public(path)]
        described = sum(bool(symbol.doc) for symbol in symbols)
        purposes = sum(bool(repository.files[path].facts.purpose) for path in paths)
        tested = sum(any(repository.is_test(use.path) for use in repository.users(path)) for path in paths)
        rows.append((language, len(paths), purposes, len(symbols), described, tested))
    noted = [(path, file.facts.notes) for path, file in repository.files.items() if file.facts.notes]
    prose = sum(file.facts.language in PROSE for file in repository.files.values())
    newest = repository.newest
    inputs = {
        "languages": rows,
        "notes": noted,
        "documents": prose,
        "newest": (newest.path, newest.commit, newest.modified_at) if newest else (),
    }

    def write() -> Written:
        shown = [
            (
                plain(language),
                f"{files:,}",
                _share(purposes, files),
                f"{symbols:,}",
                _share(described, symbols),
                _share(tested, files),
            )
            for language, files, purposes, symbols, described, tested in rows
        ]
        fresh = ""
        if newest and newest.modified_at:
            day = newest.modified_at.date().isoformat()
            fresh = f"The newest change here is of {day}, commit {code(newest.commit[:12])}."
        head = ["Language", "Files", "Say what they are for", "Public symbols", "Described", "Imported by tests"]
        return Written(
            joined(
                f"{fresh} Pages are computed from the files at that state; each says when it was synced.",
                section("Code", table(head, shown)),
                f"{prose:,} documents.",
                section(
                    "Not read whole",
                    table(["File", "Why"], [(link(code(p), address.of(p)), plain(" ".join(n))) for p, n in noted]),
                ),
                "Symbols, imports and uses are those of the files' syntax: what is made at run time does not show.",
            )
        )

    return Plan(f"{OWN}coverage", "Coverage", "overview", manifest(inputs), write)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else ""
