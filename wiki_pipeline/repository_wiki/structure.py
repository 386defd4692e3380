"""All facts of a repository put together: what imports what, which files are tests, projects, sections, owners."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property, lru_cache

from wiki_pipeline.repository_wiki.facts import FileFacts, Finding, Import, Symbol
from wiki_pipeline.repository_wiki.imports import Resolver

_TEST_FOLDER = re.compile(
    r"(?:^|/)(?:tests?|specs?|__tests__|testing|e2e|testdata|fixtures|[\w-]+[_-]tests?)/", re.IGNORECASE
)
_TEST_FILE = re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_test|[^/]*[._-](?:test|spec)|conftest|[^/]*Tests?)\.\w+$")
_DOC_FOLDER = re.compile(
    r"^(?:docs?|documentation|handbook|guides?|manual|website|site|wiki|rfcs?|adrs?|examples/docs)$", re.IGNORECASE
)
_READ_FIRST = re.compile(r"^(?:readme|index|_index)(?:\.\w+)?$", re.IGNORECASE)
_MANIFEST = re.compile(
    r"^(?:pyproject\.toml|setup\.(?:py|cfg)|package\.json|cargo\.toml|go\.mod|pom\.xml|build\.gradle(?:\.kts)?|composer\.json"
    r"|[\w.-]+\.gemspec|[\w.-]+\.(?:cs|fs|vb)proj)$",
    re.IGNORECASE,
)
PROSE = {"markdown", "rst", "asciidoc", "x-ipynb+json"}
# What has no page of facts, unless it defines something: documents, data, configuration, styles.
_DATA = """
plain html text org tex textile csv tsv diff json json5 jsonnet yaml toml ini xml svg properties css scss sass less
makefile cmake docker go-module jinja
"""
_NO_CODE = PROSE | frozenset(_DATA.split())


class Section(StrEnum):
    """Parts of the tree, in their order."""

    DOCUMENTATION = "documentation"
    CODE = "code"
    TESTS = "tests"
    OTHER = "other"


ORDER = list(Section)


@dataclass(frozen=True, slots=True)
class SurveyedFile:
    """A file with its facts and what the source knows of it.

    Attributes:
        state: hash of all of that.
        commit: that changed it last.
    """

    path: str
    facts: FileFacts
    state: str
    title: str = ""
    url: str = ""
    commit: str = ""
    author: str = ""
    modified_at: datetime | None = None

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.path)

    @property
    def name(self) -> str:
        return posixpath.basename(self.path)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of the history, with the paths that it changed (a bounded number)."""

    oid: str
    author: str
    at: datetime | None
    subject: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """That one file uses another: what it takes, and at which line."""

    path: str
    names: tuple[str, ...]
    line: int


@dataclass
class Repository:
    """The whole.

    Attributes:
        name: as people call it.
        files: by path, in the order of paths.
        commits: the newest first; bounded.
    """

    name: str
    files: Mapping[str, SurveyedFile]
    commits: Sequence[Commit] = ()
    history_state: str = ""
    _sections: dict[str, Section] = field(default_factory=dict, init=False, repr=False)

    # --- what files are ----------------------------------------------------------------------------------------------

    def is_test(self, path: str) -> bool:
        """Whether a file is a test, or there for tests."""
        return bool(_TEST_FOLDER.search(path) or _TEST_FILE.search(path))

    def is_code(self, path: str) -> bool:
        """Whether a file holds code, which has a page of its facts."""
        file = self.files[path]
        return file.facts.language not in _NO_CODE or bool(file.facts.symbols)

    def section(self, path: str) -> Section:
        """Of a file, or of a folder (with a slash at its end): of what it holds most."""
        if not path.endswith("/"):
            if self.is_code(path):
                return Section.TESTS if self.is_test(path) else Section.CODE
            if self.files[path].facts.language in PROSE and not self.is_test(path):
                return Section.DOCUMENTATION
            return Section.TESTS if self.is_test(path) else Section.OTHER
        return self._folder_sections.get(path, Section.OTHER)

    @cached_property
    def _folder_sections(self) -> dict[str, Section]:
        counts: dict[str, dict[Section, int]] = defaultdict(lambda: defaultdict(int))
        for path in self.files:
            section = self.section(path)
            for folder in folders_of(path):
                counts[folder][section] += 1
        found = {}
        for folder, some in counts.items():
            name = posixpath.basename(folder.rstrip("/"))
            if _DOC_FOLDER.match(name) and some.get(Section.DOCUMENTATION):
                found[folder] = Section.DOCUMENTATION
            elif _TEST_FOLDER.search(folder):
                found[folder] = Section.TESTS
            elif some.get(Section.CODE):
                found[folder] = Section.CODE
            else:
                found[folder] = max(ORDER, key=lambda each: (some.get(each, 0), -ORDER.index(each)))
        return found

    @cached_property
    def folders(self) -> dict[str, list[str]]:
        """The files right in each folder, by the folder with its slash (`""`: the root); maybe none."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in self.files:
            own = folders_of(path)
            for folder in own:
                found[folder]
            found[own[-1] if own else ""].append(path)
        return dict(found)

    @cached_property
    def subfolders(self) -> dict[str, list[str]]:
        """The folders right in each folder, all with their slashes."""
        found: dict[str, list[str]] = defaultdict(list)
        for folder in sorted(self.folders):
            if folder:
                above = posixpath.dirname(folder.rstrip("/"))
                found[f"{above}/" if above else ""].append(folder)
        return dict(found)

    @cached_property
    def sizes(self) -> dict[str, tuple[int, int]]:
        """Files and lines in each folder and below it."""
        found: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for path, file in self.files.items():
            for folder in ("", *folders_of(path)):
                files, lines = found[folder]
                found[folder] = (files + 1, lines + file.facts.lines)
        return dict(found)

    @cached_property
    def packages(self) -> list[str]:
        """Folders of code: those with code in them or below them."""
        return sorted({folder for path in self.modules for folder in folders_of(path)})

    @cached_property
    def modules(self) -> list[str]:
        """Files of code, tests among them."""
        return [path for path in self.files if self.is_code(path)]

    @cached_property
    def projects(self) -> dict[str, list[str]]:
        """Folders with manifests of their own, and those; `""` is the root."""
        found: dict[str, list[str]] = defaultdict(list)
        for path, file in self.files.items():
            if _MANIFEST.match(file.name) and not self.is_test(path):
                found[f"{file.folder}/" if file.folder else ""].append(path)
        return dict(found)

    def readme(self, folder: str) -> str:
        """The README of a folder; empty if it has none."""
        own = [path for path in self.folders.get(folder, ()) if _READ_FIRST.match(posixpath.basename(path))]
        return min((p for p in own if self.files[p].facts.language in PROSE), key=len, default="")

    def purpose(self, path: str) -> str:
        """What a file or folder is for, in its own words; empty if it doesn't say."""
        if not path.endswith("/"):
            return self.files[path].facts.purpose
        for name in (
            "__init__.py",
            "doc.go",
            "package-info.java",
            "mod.rs",
            "lib.rs",
            "main.rs",
            "index.ts",
            "index.js",
        ):
            if (own := self.files.get(path + name)) and own.facts.purpose:
                return own.facts.purpose
        if readme := self.readme(path):
            return self.files[readme].facts.purpose
        packaged = (
            self.files[p].facts for p in self.folders.get(path, ()) if p.endswith(".go") and not self.is_test(p)
        )
        return next((facts.purpose for facts in packaged if facts.purpose.startswith("Package ")), "")

    # --- what uses what ----------------------------------------------------------------------------------------------

    @cached_property
    def imports(self) -> dict[str, list[Use]]:
        """What each file uses of the repository; a Go import and a wildcard lead to a folder (with its slash)."""
        resolver = Resolver({path: self.files[path].facts for path in self.files})
        found: dict[str, list[Use]] = {}
        for path in self.modules:
            by_target: dict[str, Use] = {}
            for each in self.files[path].facts.imports:
                for target, names in resolver.targets(path, each):
                    if target == path or (target.endswith("/") and target == f"{self.files[path].folder}/"):
                        continue
                    before = by_target.get(target)
                    both = tuple(dict.fromkeys((*(before.names if before else ()), *names)))
                    by_target[target] = Use(target, both, before.line if before else each.line)
            if by_target:
                found[path] = sorted(by_target.values(), key=lambda use: use.path)
        return found

    @cached_property
    def imported_by(self) -> dict[str, list[Use]]:
        """Who uses each file or folder."""
        found: dict[str, list[Use]] = defaultdict(list)
        for path, uses in self.imports.items():
            for use in uses:
                found[use.path].append(Use(path, use.names, use.line))
        return dict(found)

    def users(self, path: str) -> list[Use]:
        """Who uses a file: itself, or, where imports name folders, the folder that it is in."""
        folder = f"{self.files[path].folder}/"
        return [*self.imported_by.get(path, ()), *self.imported_by.get(folder, ())]

    @cached_property
    def external(self) -> dict[str, int]:
        """What is imported and is not of the repository, by its first word, with how many files do."""
        counts: dict[str, set[str]] = defaultdict(set)
        for path in self.modules:
            mine = {use.line for use in self.imports.get(path, ())}
            for each in self.files[path].facts.imports:
                word = _outside(each, self.files[path].facts.language)
                if each.line not in mine and word:
                    counts[word].add(path)
        return {word: len(paths) for word, paths in sorted(counts.items())}

    @cached_property
    def _folder_pairs(self) -> dict[tuple[str, str], int]:
        pairs: dict[tuple[str, str], int] = defaultdict(int)
        for path, uses in self.imports.items():
            own = f"{self.files[path].folder}/" if self.files[path].folder else ""
            others = {u.path if u.path.endswith("/") else f"{posixpath.dirname(u.path)}/".lstrip("/") for u in uses}
            for other in others - {own, ""}:
                if own:
                    pairs[own, other] += 1
        return dict(sorted(pairs.items()))

    @cached_property
    def folder_uses(self) -> dict[str, list[tuple[str, int]]]:
        """The folders whose files the files right in a folder use, with how many do."""
        found: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for (own, other), count in self._folder_pairs.items():
            found[own].append((other, count))
        return dict(found)

    @cached_property
    def folder_users(self) -> dict[str, list[tuple[str, int]]]:
        """The other way round."""
        found: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for (own, other), count in self._folder_pairs.items():
            found[other].append((own, count))
        return dict(found)

    def package_edges(self, groups: Mapping[str, str]) -> dict[tuple[str, str], int]:
        """How many files of one group import the other, both by name; `groups` has the group of each file."""
        edges: dict[tuple[str, str], int] = defaultdict(int)
        for path, uses in self.imports.items():
            if path not in groups or self.is_test(path):
                continue
            targets = set()
            for use in uses:
                if use.path in groups:
                    targets.add(groups[use.path])
                elif use.path.endswith("/"):
                    targets |= {groups[p] for p in self.folders.get(use.path, ()) if p in groups}
            for target in targets - {groups[path]}:
                edges[groups[path], target] += 1
        return dict(edges)

    # --- what is found -----------------------------------------------------------------------------------------------

    def findings(self, *kinds: str, tests: bool = False) -> Iterator[tuple[str, Finding]]:
        """Findings of some kinds with their files, without those of tests, in the order of paths and lines."""
        for kind in kinds:
            yield from (each for each in self._by_kind.get(kind, ()) if tests or not self.is_test(each[0]))

    @cached_property
    def _by_kind(self) -> dict[str, list[tuple[str, Finding]]]:
        found: dict[str, list[tuple[str, Finding]]] = defaultdict(list)
        for path, file in self.files.items():
            for finding in file.facts.findings:
                found[finding.kind].append((path, finding))
        return dict(found)

    def public(self, path: str) -> list[Symbol]:
        """The symbols of a file that others are meant to use."""
        return [symbol for symbol in self.files[path].facts.symbols if symbol.public]

    @cached_property
    def _owner_rules(self) -> list[tuple[re.Pattern[str], str]]:
        rules = [(f.name, f.detail) for _, f in self.findings("owner", tests=True)]
        return [(_owned(pattern), owners) for pattern, owners in rules]

    def owners(self, path: str) -> str:
        """Who owns a file by CODEOWNERS; empty if nobody is named."""
        return next((owners for pattern, owners in reversed(self._owner_rules) if pattern.search(f"/{path}")), "")

    @cached_property
    def authors_of(self) -> dict[str, list[tuple[str, int]]]:
        """Of files and folders that recent commits changed, who did so and how often, the most frequent first."""
        counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for commit in self.commits:
            for place in {each for path in commit.paths for each in (path, *folders_of(path))}:
                counts[place][commit.author] += 1
        return {p: sorted(by.items(), key=lambda item: (-item[1], item[0]))[:5] for p, by in counts.items()}

    @cached_property
    def changes_of(self) -> dict[str, list[Commit]]:
        """Of files and folders, the last commits that changed them; five at most."""
        found: dict[str, list[Commit]] = defaultdict(list)
        for commit in self.commits:
            for place in {each for path in commit.paths for each in (path, *folders_of(path))}:
                if len(found[place]) < 5:
                    found[place].append(commit)
        return dict(found)

    @property
    def newest(self) -> SurveyedFile | None:
        """The file that changed last."""
        dated = [file for file in self.files.values() if file.modified_at is not None]
        return max(dated, key=lambda file: (file.modified_at, file.path), default=None)


@lru_cache(maxsize=50_000)
def folders_of(path: str) -> tuple[str, ...]:
    """The folders above a file, outermost first, each with its slash."""
    parts = path.split("/")[:-1]
    return tuple("/".join(parts[: count + 1]) + "/" for count in range(len(parts)))


def _outside(each: Import, language: str) -> str:  # noqa: PLR0911 - one line a language
    target = each.target
    if language == "python":
        return "" if target.startswith(".") else target.partition(".")[0]
    if language in {"javascript", "typescript", "tsx"}:
        if target.startswith((".", "/", "#", "~")):
            return ""
        return "/".join(target.split("/")[: 2 if target.startswith("@") else 1])
    if language == "go":
        return "/".join(target.split("/")[:3]) if "." in target.partition("/")[0] else ""
    if language == "rust":
        word = re.split(r"::|\s", target)[0]
        return "" if word in {"crate", "self", "super", "std", "core", "alloc", "mod"} else word
    if language in {"java", "kotlin"}:
        return "" if target.startswith(("java.", "javax.", "kotlin.")) else ".".join(target.split(".")[:3])
    if language in {"c", "cpp"}:
        return target.partition("/")[0] if "/" in target else ""
    return re.split(r"[./\\]", target)[0]


def _owned(pattern: str) -> re.Pattern[str]:
    """A pattern of CODEOWNERS as an expression for paths that begin with a slash."""
    anchored = pattern.startswith("/") or "/" in pattern.rstrip("/")
    text = re.escape(pattern.strip("/"))
    text = text.replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*").replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    below = "/" if pattern.endswith("/") else "(?:/|$)"
    return re.compile(("^/" if anchored else "/") + text + below)


def by_path(files: Iterable[SurveyedFile]) -> dict[str, SurveyedFile]:
    """Files by path, in the order of paths."""
    return {file.path: file for file in sorted(files, key=lambda file: file.path)}
