"""What projects say of themselves in files that tools read: names, dependencies, commands, services, pipelines.

A table at the end says which reader takes which file. Readers get text that anybody may have written: they raise
`ValueError` (or what a parser raises) where it is not what its name says, and that is noted.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import orjson
import yaml

from wiki_pipeline.repository_wiki.facts import Finding

Findings = Iterator[Finding]
_YAML_BYTES = 200_000  # what is larger is data
_MOST = 400
_PURPOSES = (
    ("test", re.compile(r"test|spec|check|coverage|pytest|tox|nox|jest|e2e|bench", re.IGNORECASE)),
    ("lint", re.compile(r"lint|format|fmt|mypy|ruff|flake|clippy|vet|typecheck|audit|style", re.IGNORECASE)),
    (
        "run",
        re.compile(
            r"^(?:run|start|serve|dev|up|server|watch|preview|demo)|\brun\b(?! )|compose up|serve|start", re.IGNORECASE
        ),
    ),
    ("install", re.compile(r"install|setup|set-up|init|bootstrap|deps|sync|venv", re.IGNORECASE)),
    ("build", re.compile(r"build|compile|dist|package|bundle|docs?|release|image|publish", re.IGNORECASE)),
)


def purpose_of(command: str) -> str:
    """What a command is for, by its words: test, lint, run, install, build or other."""
    return next((purpose for purpose, words in _PURPOSES if words.search(command)), "other")


def _task(command: str, detail: str, line: int, named: str = "") -> Finding:
    return Finding("task", command[:200], _short(detail), line, purpose_of(named or command))


def _short(text: object) -> str:
    return " ".join(str(text).split())[:240]


class _Lines:
    """Where words of a file stand."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._from = 0

    def of(self, *words: str) -> int:
        """The first line with one of the words, in quotes or alone; words that are given later are looked for first."""
        for word in words:
            pattern = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
            for number, line in enumerate(self._lines, start=1):
                if pattern.search(line):
                    return number
        return 1


# --- Python ----------------------------------------------------------------------------------------------------------

_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*([^;#]*)")


def _requirement(text: str, line: int, group: str) -> Findings:
    if found := _REQUIREMENT.match(text):
        yield Finding("dependency", found[1], found[2].strip(" ()"), line, group)


def pyproject(text: str) -> Findings:
    """`pyproject.toml`."""
    read, lines = tomllib.loads(text), _Lines(text)
    project, tools = _table(read, "project"), _table(read, "tool")
    poetry = _table(tools, "poetry")
    about = {**poetry, **project}
    for name in ("name", "version", "description", "requires-python"):
        if isinstance(about.get(name), str):
            yield Finding("about", name, _short(about[name]), lines.of(name), "pyproject.toml")
    licence = about.get("license")
    if licence:
        licence = licence.get("text") or licence.get("file") if isinstance(licence, Mapping) else licence
        yield Finding("about", "license", _short(licence), lines.of("license"), "pyproject.toml")
    for each in _list(project, "dependencies"):
        yield from _requirement(str(each), lines.of(str(each)), "python")
    for group, some in {**_table(project, "optional-dependencies"), **_table(read, "dependency-groups")}.items():
        for each in some if isinstance(some, list) else ():
            if isinstance(each, str):
                yield from _requirement(each, lines.of(each), f"python, {group}")
    for name, version in _table(poetry, "dependencies").items():
        shown = version if isinstance(version, str) else _short(_table({"v": version}, "v").get("version", ""))
        yield Finding("dependency", name, shown, lines.of(name), "python")
    for name, target in {**_table(poetry, "scripts"), **_table(project, "scripts")}.items():
        yield Finding("entry", name, _short(target), lines.of(name), "console script")
    if "pytest" in tools:
        yield _task("pytest", "by convention: pyproject.toml configures pytest", lines.of("pytest", "tool.pytest"))
    yield _task("pip install .", "by convention: pyproject.toml", 1)


def requirements(text: str) -> Findings:
    """`requirements.txt` and the like."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.lstrip().startswith(("#", "-")):
            yield from _requirement(line, number, "python")


_SETUP_NAME = re.compile(r"^\s*(name|version|description|license)\s*=\s*(.+)$", re.MULTILINE)


def setup_cfg(text: str) -> Findings:
    """`setup.cfg`: what it is called."""
    for found in _SETUP_NAME.finditer(text):
        yield Finding(
            "about", found[1], _short(found[2].strip("\"',")), text.count("\n", 0, found.start(1)) + 1, "setup.cfg"
        )


def tox(text: str) -> Findings:
    """`tox.ini`."""
    yield _task("tox", "by convention: tox.ini", 1, "test")


# --- JavaScript, PHP -------------------------------------------------------------------------------------------------


def package_json(text: str) -> Findings:
    """`package.json`."""
    read, lines = _json(text), _Lines(text)
    for name in ("name", "version", "description", "license"):
        if isinstance(read.get(name), str):
            yield Finding("about", name, _short(read[name]), lines.of(f'"{name}"', name), "package.json")
    for name, does in _table(read, "scripts").items():
        command = {"test": "npm test", "start": "npm start"}.get(name, f"npm run {name}")
        yield _task(command, _short(does), lines.of(f'"{name}"', name), name)
    for group, scope in {"dependencies": "", "devDependencies": ", dev", "peerDependencies": ", peer"}.items():
        for name, version in _table(read, group).items():
            yield Finding("dependency", name, _short(version), lines.of(f'"{name}"', name), f"npm{scope}")
    binaries = read.get("bin")
    binaries = {read.get("name", "bin"): binaries} if isinstance(binaries, str) else _table(read, "bin")
    for name, target in binaries.items():
        yield Finding("entry", str(name), _short(target), lines.of("bin"), "command")
    if isinstance(read.get("main"), str):
        yield Finding("entry", "main", read["main"], lines.of("main"), "library")


def composer(text: str) -> Findings:
    """`composer.json`."""
    read, lines = _json(text), _Lines(text)
    for name in ("name", "description", "license"):
        if isinstance(read.get(name), str):
            yield Finding("about", name, _short(read[name]), lines.of(name), "composer.json")
    for group in ("require", "require-dev"):
        for name, version in _table(read, group).items():
            yield Finding(
                "dependency",
                name,
                _short(version),
                lines.of(name),
                f"composer{group.removeprefix('require').replace('-', ', ')}",
            )
    for name, does in _table(read, "scripts").items():
        yield _task(f"composer {name}", _short(does), lines.of(name), name)
    yield _task("composer install", "by convention: composer.json", 1)


# --- Rust, Go, Java, .NET, Ruby --------------------------------------------------------------------------------------


def cargo(text: str) -> Findings:
    """`Cargo.toml`."""
    read, lines = tomllib.loads(text), _Lines(text)
    package = _table(read, "package")
    for name in ("name", "version", "description", "license"):
        if isinstance(package.get(name), str):
            yield Finding("about", name, _short(package[name]), lines.of(name), "Cargo.toml")
    for group, scope in {"dependencies": "", "dev-dependencies": ", dev", "build-dependencies": ", build"}.items():
        for name, version in _table(read, group).items():
            shown = version if isinstance(version, str) else _table({"v": version}, "v").get("version", "")
            yield Finding("dependency", name, _short(shown), lines.of(name), f"cargo{scope}")
    for each in _list(read, "bin"):
        if isinstance(each, Mapping) and isinstance(each.get("name"), str):
            yield Finding("entry", each["name"], _short(each.get("path", "")), lines.of(each["name"]), "binary")
    yield _task("cargo build", "by convention: Cargo.toml", 1)
    yield _task("cargo test", "by convention: Cargo.toml", 1)


_GO_REQUIRE = re.compile(r"^\s*(?:require\s+)?([\w.-]+\.[\w./-]+)\s+(v\S+)", re.MULTILINE)
_GO_MODULE = re.compile(r"^module\s+(\S+)", re.MULTILINE)


def go_mod(text: str) -> Findings:
    """`go.mod`."""
    if found := _GO_MODULE.search(text):
        yield Finding("about", "name", found[1], _line(text, found.start(1)), "go.mod")
    for found in _GO_REQUIRE.finditer(text):
        rest = text[found.end() : found.end() + 20].split("\n", maxsplit=1)[0]
        yield Finding(
            "dependency",
            found[1],
            found[2],
            _line(text, found.start(1)),
            "go, indirect" if "indirect" in rest else "go",
        )
    yield _task("go build ./...", "by convention: go.mod", 1)
    yield _task("go test ./...", "by convention: go.mod", 1)


_POM = re.compile(r"<dependency>\s*(.*?)</dependency>", re.DOTALL)
_TAG = re.compile(r"<(artifactId|groupId|version|scope)>\s*([^<]*?)\s*</")
_POM_OWN = re.compile(r"^\s{1,4}<(artifactId|version|description|name)>\s*([^<]+?)\s*</", re.MULTILINE)


def pom(text: str) -> Findings:
    """`pom.xml`."""
    seen = set()
    for found in _POM_OWN.finditer(text):
        name = {"artifactId": "name"}.get(found[1], found[1])
        if name not in seen and not (name == "name" and found[1] == "name"):
            seen.add(name)
            yield Finding("about", name, _short(found[2]), _line(text, found.start(1)), "pom.xml")
    for found in _POM.finditer(text):
        facts = dict(_TAG.findall(found[1]))
        if "artifactId" in facts:
            at = _line(text, found.start(1) + max(0, found[1].find("<artifactId>")))
            scope = facts.get("scope", "")
            yield Finding(
                "dependency",
                f"{facts.get('groupId', '')}:{facts['artifactId']}",
                facts.get("version", ""),
                at,
                f"maven, {scope}" if scope else "maven",
            )
    yield _task("mvn test", "by convention: pom.xml", 1)
    yield _task("mvn package", "by convention: pom.xml", 1, "build")


_GRADLE = re.compile(
    r"^\s*(\w*(?:[iI]mplementation|[aA]pi|[cC]ompileOnly|[rR]untimeOnly|kapt|ksp))\s*\(?\s*[\"']([^\"':]+:[^\"':]+)(?::([^\"']+))?[\"']",
    re.MULTILINE,
)


def gradle(text: str) -> Findings:
    """`build.gradle` and `build.gradle.kts`."""
    for found in _GRADLE.finditer(text):
        yield Finding("dependency", found[2], found[3] or "", _line(text, found.start(2)), f"gradle, {found[1]}")
    yield _task("./gradlew build", "by convention: build.gradle", 1)
    yield _task("./gradlew test", "by convention: build.gradle", 1)


_PACKAGE_REFERENCE = re.compile(r"<PackageReference\s+Include=\"([^\"]+)\"(?:\s+Version=\"([^\"]+)\")?")


def csproj(text: str) -> Findings:
    """`*.csproj`."""
    for found in _PACKAGE_REFERENCE.finditer(text):
        yield Finding("dependency", found[1], found[2] or "", _line(text, found.start(1)), "nuget")
    yield _task("dotnet build", "by convention: a project file of .NET", 1)
    yield _task("dotnet test", "by convention: a project file of .NET", 1)


_GEM = re.compile(
    r"^\s*(?:gem|\w+\.add_(?:(development|runtime)_)?dependency)\s*\(?\s*[\"']([^\"']+)[\"'](?:\s*,\s*[\"']([^\"']+)[\"'])?",
    re.MULTILINE,
)
_GEMSPEC = re.compile(r"^\s*\w+\.(name|summary|license|description)\s*=\s*[\"']([^\"']+)[\"']", re.MULTILINE)


def gems(text: str) -> Findings:
    """`Gemfile` and `*.gemspec`."""
    for found in _GEMSPEC.finditer(text):
        name = {"summary": "description"}.get(found[1], found[1])
        yield Finding("about", name, _short(found[2]), _line(text, found.start(1)), "gemspec")
    for found in _GEM.finditer(text):
        yield Finding(
            "dependency",
            found[2],
            found[3] or "",
            _line(text, found.start(2)),
            "gem, dev" if found[1] == "development" else "gem",
        )
    yield _task("bundle install", "by convention: Gemfile", 1)


# --- commands --------------------------------------------------------------------------------------------------------

_TARGET = re.compile(r"^([A-Za-z][\w.-]*)(?:\s+[\w.-]+)*\s*:(?![=:])([^#\n]*)(?:##\s*(.*))?$")
_RAKE = re.compile(r"^\s*task\s+(?:\(?\s*)?[:\"']?([\w:]+)")


def makefile(text: str) -> Findings:
    """`Makefile` and `justfile`: targets, with the comment beside or above."""
    above = ""
    for number, line in enumerate(text.split("\n"), start=1):
        found = _TARGET.match(line)
        if found and "%" not in line:
            yield _task(f"make {found[1]}", found[3] or above, number, found[1])
        above = line.lstrip("# ").strip() if line.startswith("#") else ""


def rakefile(text: str) -> Findings:
    """`Rakefile`."""
    for number, line in enumerate(text.split("\n"), start=1):
        if found := _RAKE.match(line):
            yield _task(f"rake {found[1]}", "", number, found[1])


def dockerfile(text: str) -> Findings:
    """`Dockerfile`: that there is an image; the rest is in `patterns.toml`."""
    yield _task("docker build .", "by convention: Dockerfile", 1)


_DOTENV = re.compile(r"^\s*(?:export\s+)?#?\s?([A-Z][A-Z0-9_]{2,})\s*=\s*(.*)$")


def dotenv(text: str) -> Findings:
    """`.env.example` and the like: names with defaults."""
    for number, line in enumerate(text.split("\n"), start=1):
        if found := _DOTENV.match(line):
            yield Finding("setting", found[1], _short(found[2]), number, "example")


# --- YAML ------------------------------------------------------------------------------------------------------------


class _Y:
    """A node of YAML with its line; aliases are followed once at most, so they multiply nothing."""

    def __init__(self, node: yaml.Node | None) -> None:
        self._node = node

    @property
    def line(self) -> int:
        return self._node.start_mark.line + 1 if self._node is not None else 1

    @property
    def text(self) -> str:
        return str(self._node.value) if isinstance(self._node, yaml.ScalarNode) else ""

    def items(self) -> Iterator[tuple[str, int, _Y]]:
        """Keys with their lines and values."""
        if isinstance(self._node, yaml.MappingNode):
            for key, value in islice(self._node.value, _MOST):
                if isinstance(key, yaml.ScalarNode):
                    yield str(key.value), key.start_mark.line + 1, _Y(value)

    def get(self, name: str) -> _Y:
        return next((value for key, _, value in self.items() if key == name), _Y(None))

    def line_of(self, name: str) -> int:
        return next((line for key, line, _ in self.items() if key == name), 1)

    def each(self) -> Iterator[_Y]:
        if isinstance(self._node, yaml.SequenceNode):
            yield from (_Y(item) for item in islice(self._node.value, _MOST))

    @property
    def keys(self) -> set[str]:
        return {key for key, _, _ in self.items()}


def yaml_documents(text: str) -> list[_Y]:
    """The documents of a YAML file.

    Raises:
        ValueError: it is too large.
        yaml.YAMLError, RecursionError: it is no YAML, or too deep.
    """
    if len(text) > _YAML_BYTES:
        raise ValueError("It is too large to be configuration.")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [_Y(node) for node in islice(yaml.compose_all(text, Loader=loader), _MOST)]


def some_yaml(text: str) -> Findings:
    """Any other YAML: workflows, Compose, OpenAPI, Kubernetes objects; by what is in it."""
    for document in yaml_documents(text):
        keys = document.keys
        if {"apiVersion", "kind"} <= keys:
            yield from _kubernetes(document)
        elif "services" in keys and not {"apiVersion", "jobs"} & keys:
            yield from _compose(document)
        elif "openapi" in keys or "swagger" in keys:
            yield from _openapi(document)


def _kubernetes(document: _Y) -> Findings:
    kind, metadata = document.get("kind").text, document.get("metadata")
    name = metadata.get("name")
    if not kind:
        return
    where = metadata.get("namespace").text
    line = name.line if name.text else document.line_of("kind")
    yield Finding("object", f"{kind} {name.text}".strip(), where and f"namespace {where}", line, "Kubernetes")
    containers = document.get("spec").get("template").get("spec").get("containers")
    for container in containers.each():
        for each in container.get("env").each():
            if each.get("name").text:
                yield Finding(
                    "setting",
                    each.get("name").text,
                    _short(each.get("value").text),
                    each.get("name").line,
                    "Kubernetes",
                )


def _compose(document: _Y) -> Findings:
    yield _task("docker compose up", "by convention: a Compose file", document.line_of("services"), "run")
    for name, line, service in document.get("services").items():
        image = service.get("image").text or ("built here" if "build" in service.keys else "")
        yield Finding("object", name, image, line, "Compose service")
        environment = service.get("environment")
        for key, at, value in environment.items():
            yield Finding("setting", key, _short(value.text), at, "Compose")
        for each in environment.each():
            key, _, default = each.text.partition("=")
            if key:
                yield Finding("setting", key, _short(default), each.line, "Compose")


def _openapi(document: _Y) -> Findings:
    for path, line, item in document.get("paths").items():
        for verb, _, operation in item.items():
            if verb in {"get", "post", "put", "patch", "delete", "head", "options"}:
                told = operation.get("summary").text or operation.get("operationId").text
                yield Finding("route", f"{verb.upper()} {path}"[:200], _short(told), line, "OpenAPI")
    schemas = document.get("components").get("schemas")
    for name, line, schema in (*schemas.items(), *document.get("definitions").items()):
        fields = ", ".join(key for key, _, _ in islice(schema.get("properties").items(), 40))
        yield Finding("schema", name, fields, line, "OpenAPI")


def github_workflow(text: str) -> Findings:
    """`.github/workflows/*.yml`."""
    for document in yaml_documents(text):
        named = document.get("name").text
        triggers = document.get("on")
        on = triggers.text or ", ".join(sorted(triggers.keys)) or ", ".join(each.text for each in triggers.each())
        for name, line, job in document.get("jobs").items():
            shown = job.get("name").text or name
            yield Finding("pipeline", shown[:200], _short(f"{named}, on {on}" if on else named), line, "GitHub Actions")
            for step in job.get("steps").each():
                yield from _ran(step.get("run"), f"CI: {shown}")


_COMMAND = re.compile(r"(?!(?:echo|if|fi|cd|set|export|for|done|then|else|sudo|curl)\b)[\w./-]+(?:\s|$)")


def _ran(script: _Y, where: str) -> Findings:
    """The commands of a script that are for something, each at its line."""
    lines = script.text.split("\n")
    block = 1 if len(lines) > 1 else 0
    for offset, line in enumerate(lines[:10]):
        command = line.strip()
        if _COMMAND.match(command) and purpose_of(command) != "other":
            yield _task(command, where, script.line + offset + block)


def gitlab_ci(text: str) -> Findings:
    """`.gitlab-ci.yml`."""
    reserved = {
        "stages",
        "variables",
        "default",
        "include",
        "image",
        "services",
        "before_script",
        "after_script",
        "cache",
        "workflow",
    }
    for document in yaml_documents(text):
        for name, line, job in document.items():
            if name not in reserved and not name.startswith(".") and job.keys & {"script", "trigger", "extends"}:
                yield Finding("pipeline", name[:200], job.get("stage").text, line, "GitLab CI")
                for each in job.get("script").each():
                    yield from _ran(each, f"CI: {name}")


_STAGE = re.compile(r"\bstage\s*\(\s*['\"]([^'\"]+)['\"]")


def jenkinsfile(text: str) -> Findings:
    """`Jenkinsfile`."""
    for found in _STAGE.finditer(text):
        yield Finding("pipeline", found[1], "", _line(text, found.start(1)), "Jenkins")


# --- JSON, owners, licences ------------------------------------------------------------------------------------------


def some_json(text: str) -> Findings:
    """An OpenAPI document in JSON, which is YAML as well; of other files nothing."""
    if '"openapi"' in text[:2000] or '"swagger"' in text[:2000]:
        yield from some_yaml(text)


def codeowners(text: str) -> Findings:
    """`CODEOWNERS`: patterns with their owners; the last that fits a path counts."""
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.partition("#")[0].split()
        if words and not words[0].startswith("["):
            yield Finding("owner", words[0], " ".join(words[1:]), number, "CODEOWNERS")


_LICENCES = (
    ("Apache-2.0", re.compile(r"Apache License,?\s+Version 2\.0", re.IGNORECASE)),
    ("AGPL-3.0", re.compile(r"GNU AFFERO GENERAL PUBLIC LICENSE", re.IGNORECASE)),
    ("LGPL", re.compile(r"GNU LESSER GENERAL PUBLIC LICENSE", re.IGNORECASE)),
    ("GPL-3.0", re.compile(r"GNU GENERAL PUBLIC LICENSE\s+Version 3", re.IGNORECASE)),
    ("GPL-2.0", re.compile(r"GNU GENERAL PUBLIC LICENSE\s+Version 2", re.IGNORECASE)),
    ("MPL-2.0", re.compile(r"Mozilla Public License,?\s+(?:version|v\.?)\s*2\.0", re.IGNORECASE)),
    ("BSD-3-Clause", re.compile(r"Redistribution and use.*Neither the name", re.IGNORECASE | re.DOTALL)),
    ("BSD-2-Clause", re.compile(r"Redistribution and use in source and binary forms", re.IGNORECASE)),
    ("ISC", re.compile(r"\bISC License|Permission to use, copy, modify, and/or distribute", re.IGNORECASE)),
    ("Unlicense", re.compile(r"This is free and unencumbered software", re.IGNORECASE)),
    ("MIT", re.compile(r"Permission is hereby granted, free of charge", re.IGNORECASE)),
)


def licence(text: str) -> Findings:
    """`LICENSE`, `COPYING`: which one it is, by its words."""
    named = next((name for name, words in _LICENCES if words.search(text[:20_000])), "")
    yield Finding("about", "license", named or "see the file", 1, "licence file")


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _json(text: str) -> Mapping[str, Any]:
    read = orjson.loads(text)
    return read if isinstance(read, dict) else {}


def _table(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    return found if isinstance(found, Mapping) else {}


def _list(of: Mapping[str, Any], name: str) -> list[Any]:
    found = of.get(name)
    return found if isinstance(found, list) else []


_READERS: tuple[tuple[re.Pattern[str], Callable[[str], Findings]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), reader)
    for pattern, reader in (
        (r"(^|/)pyproject\.toml$", pyproject),
        (r"(^|/)requirements[\w.-]*\.(txt|in)$|(^|/)requirements/[^/]+\.txt$", requirements),
        (r"(^|/)setup\.cfg$", setup_cfg),
        (r"(^|/)tox\.ini$", tox),
        (r"(^|/)package\.json$", package_json),
        (r"(^|/)composer\.json$", composer),
        (r"(^|/)cargo\.toml$", cargo),
        (r"(^|/)go\.mod$", go_mod),
        (r"(^|/)pom\.xml$", pom),
        (r"(^|/)build\.gradle(\.kts)?$", gradle),
        (r"\.(cs|fs|vb)proj$", csproj),
        (r"(^|/)gemfile$|\.gemspec$", gems),
        (r"(^|/)(gnu)?makefile$|(^|/)justfile$", makefile),
        (r"(^|/)rakefile$", rakefile),
        (r"(^|/)dockerfile$", dockerfile),
        (r"(^|/)\.env\.(example|sample|template|dist)$|(^|/)env\.example$", dotenv),
        (r"(^|/)\.github/workflows/[^/]+\.ya?ml$", github_workflow),
        (r"(^|/)\.gitlab-ci\.yml$", gitlab_ci),
        (r"(^|/)jenkinsfile$", jenkinsfile),
        (r"(^|/)codeowners$", codeowners),
        (r"^(licen[sc]e|copying)([.-][\w.-]*)?$", licence),
        (r"\.json$", some_json),
        (r"\.ya?ml$", some_yaml),
    )
)


def found_in_manifest(path: str, text: str) -> list[Finding]:
    """What the reader of a file with this path finds, bounded; nothing if there is no reader.

    Raises:
        Exception: whatever a parser says of a file that is not what its name says.
    """
    reader = next((reader for pattern, reader in _READERS if pattern.search(path)), None)
    return [] if reader is None else list(islice(reader(text), 5 * _MOST))
