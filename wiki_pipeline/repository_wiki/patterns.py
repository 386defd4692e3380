"""Findings in languages other than Python: the regular expressions of `patterns.toml`, line by line."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from wiki_pipeline.repository_wiki.facts import Finding

_LONGEST = 500  # characters of a line that are looked at
_MOST = 2_000  # of one file
_SPRING_CLASS = re.compile(r"@RequestMapping\(\s*(?:(?:value|path)\s*=\s*)?\{?\s*\"(?P<prefix>[^\"]*)\"")
_CLASS = re.compile(r"\bclass\s+\w+")


@dataclass(frozen=True, slots=True)
class _Pattern:
    kind: str
    group: str
    expression: re.Pattern[str]


@cache
def _patterns() -> dict[str, list[_Pattern]]:
    text = files("wiki_pipeline.repository_wiki").joinpath("patterns.toml").read_text(encoding="utf-8")
    found: dict[str, list[_Pattern]] = defaultdict(list)
    for each in tomllib.loads(text)["pattern"]:
        for language in each["languages"]:
            found[language].append(_Pattern(each["kind"], each["group"], re.compile(each["expression"])))
    return dict(found)


def found_by_patterns(text: str, language: str) -> list[Finding]:
    """What the patterns of a language find, in the order of lines."""
    patterns = _patterns().get(language)
    return list(_found(text, patterns))[:_MOST] if patterns else []


def _found(text: str, patterns: list[_Pattern]) -> Iterator[Finding]:
    prefix, above = "", ""
    for number, whole in enumerate(text.split("\n"), start=1):
        line = whole[:_LONGEST]
        if (mapped := _SPRING_CLASS.search(line)) is not None:
            above = mapped["prefix"]
        if _CLASS.search(line):
            prefix, above = above, ""
        for pattern in patterns:
            for found in pattern.expression.finditer(line):
                finding = _finding(pattern, found, number)
                if finding is None:
                    continue
                if pattern.group == "Spring":
                    if mapped is not None and above:
                        continue  # perhaps of the class, whose path is a part of those of its methods
                    verb, _, path = finding.name.partition(" ")
                    finding = Finding("route", f"{verb} {prefix}{path}", finding.detail, number, "Spring")
                yield finding


def _finding(pattern: _Pattern, found: re.Match[str], number: int) -> Finding | None:
    groups = found.groupdict()
    verb, detail = groups.get("verb") or "", " ".join((groups.get("detail") or "").split())[:240]
    name = groups.get("name") or groups.get("name2") or ""
    if pattern.kind == "route":
        name = name or detail if pattern.group == "ASP.NET" else name
        verb = {"": "ANY", "Request": "ANY", "all": "ANY", "Any": "ANY"}.get(verb, verb).upper()
        name = name if pattern.group == "gRPC" else f"{verb} {name if name.startswith('/') else f'/{name}'}"
    elif not name:
        return None
    elif verb:
        detail = f"{verb} {detail}".strip()
    return Finding(pattern.kind, name[:200], detail, number, pattern.group)
