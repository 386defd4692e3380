"""The overview, the architecture, the contents and the list of the public API."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from wiki_pipeline.repository_wiki import diagram, documents
from wiki_pipeline.repository_wiki.diagram import Box
from wiki_pipeline.repository_wiki.facts import Finding
from wiki_pipeline.repository_wiki.markdown import bullets, code, joined, link, plain, said, section, table
from wiki_pipeline.repository_wiki.pages.plan import OWN, Address, Plan, Written, manifest
from wiki_pipeline.repository_wiki.structure import Repository, folders_of

_PURPOSES = {"install": "Install", "run": "Run", "test": "Test", "build": "Build", "lint": "Check"}
_COMMANDS = 12
_API_ROWS = 1_500
_ARROWS = (
    "What each part imports, by the syntax of its files, tests left out. An arrow leads from the user to what it uses; "
    "what it uses through another has no arrow of its own. Numbers count files."
)
HOME, ARCHITECTURE, CONTENTS, API = (f"{OWN}{name}" for name in ("overview", "architecture", "contents", "api"))


def plans(repository: Repository, address: Address) -> Iterator[Plan]:
    """The pages about the repository as a whole."""
    yield _home(repository, address)
    if any(not repository.is_test(path) for path in repository.modules):
        yield _architecture(repository, address)
        yield _api(repository, address)
    yield _contents(repository, address)


# --- overview --------------------------------------------------------------------------------------------------------


def _home(repository: Repository, address: Address) -> Plan:
    about = {finding.name: (path, finding) for path, finding in reversed(list(_about(repository)))}
    languages = _languages(repository)
    tasks = _tasks(repository)
    entries = list(repository.findings("entry"))
    projects = {folder: repository.purpose(folder) if folder else "" for folder in repository.projects if folder}
    newest = repository.newest
    readme = repository.readme("")
    inputs = {
        "about": about,
        "readme": repository.purpose(readme) if readme else "",
        "languages": languages,
        "size": repository.sizes[""],
        "commands": tasks,
        "entry points": entries,
        "projects": projects,
        "newest": (newest.commit, newest.modified_at) if newest else (),
    }

    def write() -> Written:
        files, lines = repository.sizes[""]
        told = about.get("description")
        purpose = said(told[1].detail) if told else said(repository.purpose(readme)) if readme else ""
        facts = [("Size", f"{files:,} files, {lines:,} lines")]
        facts.append(("Languages", ", ".join(f"{plain(name)} {share}" for name, share, _ in languages[:8])))
        for name, shown in {"license": "Licence", "version": "Version", "requires-python": "Python"}.items():
            if name in about:
                path, finding = about[name]
                facts.append((shown, link(said(finding.detail), address.of(path, finding.line))))
        if newest and newest.commit:
            day = newest.modified_at.date().isoformat() if newest.modified_at else ""
            facts.append(
                (
                    "Newest change",
                    f"{code(newest.commit[:12])} {day} in {link(code(newest.path), address.of(newest.path))}",
                )
            )
        commands = [
            section(
                title, table(["Command", "From"], [_command(address, *each) for each in tasks.get(purpose_, [])]), 3
            )
            for purpose_, title in _PURPOSES.items()
        ]
        return Written(
            joined(
                purpose,
                table(["", ""], [(f"**{name}**", value) for name, value in facts if value]),
                section("How to run and test it", joined(*commands).strip()),
                section(
                    "Projects",
                    table(
                        ["Project", "Purpose"],
                        [(link(code(f), address.of(f)), said(p)) for f, p in sorted(projects.items())],
                        100,
                    )
                    if len(projects) > 1
                    else "",
                ),
                section(
                    "Entry points",
                    table(["Name", "Kind", "Leads to"], [_entry(address, path, each) for path, each in entries], 40),
                ),
            )
        )

    return Plan(HOME, "Overview", "overview", manifest(inputs), write)


def _about(repository: Repository) -> Iterator[tuple[str, Finding]]:
    """What manifests say, those of the root first."""
    found = list(repository.findings("about"))
    yield from sorted(found, key=lambda each: (each[0].count("/"), each[1].group == "licence file", each[0]))


def _languages(repository: Repository) -> list[tuple[str, str, int]]:
    lines: Counter[str] = Counter()
    for path in repository.modules:
        lines[repository.files[path].facts.language] += repository.files[path].facts.lines
    total = sum(lines.values()) or 1
    shares = ((name, 100 * count / total, count) for name, count in lines.most_common())
    return [(name, f"{share:.0f} %" if share >= 1 else "under 1 %", count) for name, share, count in shares]


def _tasks(repository: Repository) -> dict[str, list[tuple[str, Finding]]]:
    """Commands by what they are for: those of the root first, those that somebody wrote before those of convention, and
    those of CI last."""
    found: dict[str, list[tuple[str, Finding]]] = {}
    seen: set[str] = set()
    every = sorted(
        repository.findings("task"),
        key=lambda each: (
            each[1].detail.startswith("CI:"),
            each[0].count("/"),
            each[1].detail.startswith("by conv"),
            each[0],
            each[1].line,
        ),
    )
    for path, task in every:
        if task.name not in seen and len(found.get(task.group, ())) < _COMMANDS:
            seen.add(task.name)
            found.setdefault(task.group, []).append((path, task))
    return found


def _command(address: Address, path: str, task: Finding) -> tuple[str, str]:
    told = f": {said(task.detail)}" if task.detail else ""
    return code(task.name), f"{link(code(path), address.of(path, task.line))}{told}"


def _entry(address: Address, path: str, finding: Finding) -> tuple[str, str, str]:
    shown = code(finding.name) if finding.name not in {"main", "__main__"} else code(path)
    return link(shown, address.of(path, finding.line)), plain(finding.group), said(finding.detail)


# --- architecture ----------------------------------------------------------------------------------------------------


def grouped(repository: Repository) -> tuple[dict[str, str], dict[str, int]]:
    """The files of code that are no tests in at most `diagram.MOST_NODES` groups, folders as deep as that allows; and
    how many files each group has."""
    paths = [path for path in repository.modules if not repository.is_test(path)]
    common = _common(paths)
    best = dict.fromkeys(paths, common)
    for depth in range(1, 12):
        groups = {path: _folder(path, common, depth) for path in paths}
        if len(set(groups.values())) > diagram.MOST_NODES:
            break
        if groups == best:
            break
        best = groups
    if len(set(best.values())) < 3:  # a flat repository: files are its parts
        some = [path for path in paths if path.count("/") <= common.count("/")]
        if 1 < len(some) <= diagram.MOST_NODES:
            best |= {path: path for path in some}
    return best, Counter(best.values())


def _common(paths: Sequence[str]) -> str:
    """The folder that holds all of the paths, with its slash."""
    prefix = posixpath.commonprefix([posixpath.dirname(path) + "/" for path in paths]) if paths else ""
    return prefix[: prefix.rfind("/") + 1].lstrip("/")


def _folder(path: str, common: str, depth: int) -> str:
    own = [folder for folder in folders_of(path) if len(folder) > len(common)]
    return own[min(depth, len(own)) - 1] if own else common


def _architecture(repository: Repository, address: Address) -> Plan:
    groups, sizes = grouped(repository)
    edges = repository.package_edges(groups)
    circles = _module_cycles(repository)
    purposes = {group: repository.purpose(group) if group and group in _places(repository) else "" for group in sizes}
    inputs = {"groups": sorted(sizes.items()), "edges": sorted(edges.items()), "purposes": purposes, "cycles": circles}

    def write() -> Written:
        common = _common(list(groups))
        boxes = [
            Box(name, _label(name, common), address.of(name) if name else "", count) for name, count in sizes.items()
        ]
        ranks, package_cycles = diagram.layers(sorted(sizes), edges)
        uses: dict[str, list[str]] = {}
        used: Counter[str] = Counter()
        for (one, other), count in sorted(edges.items()):
            uses.setdefault(one, []).append(f"{_at(address, other, common)} ({count})")
            used[other] += 1
        rows = [
            (
                _at(address, name, common),
                f"{sizes[name]:,}",
                said(purposes[name]),
                ", ".join(uses.get(name, ())),
                str(used[name]),
            )
            for rank in ranks
            for name in rank
        ]
        layered = bullets(
            [", ".join(_at(address, name, common) for name in rank) for rank in ranks] if edges else [], 40
        )
        packages = [" ↔ ".join(_at(address, name, common) for name in group) for group in package_cycles]
        modules = [", ".join(link(code(p), address.of(p)) for p in group[:12]) for group in circles]
        return Written(
            joined(
                _ARROWS if edges else "No part imports another, as far as syntax shows.",
                section("Parts", table(["Part", "Files", "Purpose", "Uses", "Used by"], rows)),
                section(
                    "Layers",
                    f"From the top, which nothing else uses, to the bottom, which most use.\n\n{layered}"
                    if layered
                    else "",
                ),
                section(
                    "Cycles",
                    joined(
                        bullets(packages) if packages else "No parts use each other in a circle." if edges else "",
                        f"Modules that import each other in a circle:\n\n{bullets(modules, 30)}" if modules else "",
                    ).strip(),
                ),
            ),
            diagram.draw(boxes, edges, f"What the parts of {repository.name} import of each other"),
        )

    return Plan(ARCHITECTURE, "Architecture", "overview", manifest(inputs), write)


def _places(repository: Repository) -> Mapping[str, object]:
    return {**repository.folders, **repository.files}


def _label(name: str, common: str) -> str:
    return name.removeprefix(common).rstrip("/") or posixpath.basename(name.rstrip("/")) or "(root)"


def _at(address: Address, name: str, common: str) -> str:
    return link(code(_label(name, common)), address.of(name) if name else "")


def _module_cycles(repository: Repository) -> list[list[str]]:
    below = {p: [u.path for u in uses] for p, uses in repository.imports.items() if not repository.is_test(p)}
    return diagram.cycles(below)


# --- contents and API ------------------------------------------------------------------------------------------------


def _contents(repository: Repository, address: Address) -> Plan:
    places, prose = documents.placed(repository), documents.documents(repository)
    titles = {each.path: each.title for each in places if each.title}
    top = sorted({folders_of(path)[0] if "/" in path else path for path in repository.files})
    purposes = {path: repository.purpose(path) for path in top}
    told = {path: repository.files[path].facts.purpose for path in prose}
    inputs = {"documents": told, "order": places, "top": purposes}

    def write() -> Written:
        rows = [(link(said(titles.get(path, "")) or code(path), address.of(path)), said(told[path])) for path in prose]
        return Written(
            joined(
                section("Documents", table(["Document", "Begins"], rows, 1_000)),
                section(
                    "Folders and files",
                    table(["Name", "Purpose"], [(link(code(p), address.of(p)), said(t)) for p, t in purposes.items()]),
                ),
            ),
            places=places,
        )

    return Plan(CONTENTS, "Contents", "overview", manifest(inputs), write)


def _api(repository: Repository, address: Address) -> Plan:
    listed = [
        (path, symbol.name, symbol.kind, symbol.signature, symbol.line, symbol.doc.strip().partition("\n\n")[0][:200])
        for path in repository.modules
        if not repository.is_test(path)
        for symbol in repository.public(path)
        if "." not in symbol.name
    ]

    def write() -> Written:
        parts: list[str] = []
        shown = listed[:_API_ROWS]
        by_path: dict[str, list[tuple[str, str, str]]] = {}
        for path, name, kind, signature, line, doc in shown:
            row = (link(code(signature or name), address.of(path, line)), kind, said(doc))
            by_path.setdefault(path, []).append(row)
        for path, rows in by_path.items():
            parts.append(joined(f"## {link(code(path), address.of(path))}", table(["Symbol", "Kind", "Purpose"], rows)))
        if len(listed) > len(shown):
            parts.append(f"and {len(listed) - len(shown):,} more: the page of each module has its own.")
        intro = (
            f"{len(listed):,} public symbols at the top level of their files; members are on the pages of the files."
        )
        return Written(joined(intro, *parts))

    return Plan(API, "API reference", "overview", manifest({"symbols": listed}), write)
