"""A file's facts: the one function that looks at files of strangers. It runs where time and memory are bounded."""

from __future__ import annotations

import logging
import re
from dataclasses import replace

from wiki_pipeline.model import digest
from wiki_pipeline.repository_wiki import manifests, navigation, patterns, syntax
from wiki_pipeline.repository_wiki.facts import FileFacts
from wiki_pipeline.repository_wiki.python import PythonFile, PythonRefusedError

CODE_VERSION = "1"
"""Part of every survey's fingerprint: raise it whenever the same file gives other facts."""

MAX_CHARACTERS = 1_000_000
_PURPOSE = 400
_PROSE = {"text/markdown": "markdown", "text/x-rst": "rst", "text/asciidoc": "asciidoc"}
_HEADING = re.compile(r"^(?:#|=)\s+(.+?)\s*#*$")
_UNDERLINE = re.compile(r"^([=\-~^\"'*+#])\1{2,}\s*$")
_MARKUP = re.compile(r"<[^>]{0,300}>|!\[[^\]]{0,200}\]\([^)]{0,500}\)|\[!\[|^\.\. |^:\w+:|^\[!|^>")
_LINK = re.compile(r"\[([^\]\[]{0,300})\](?:\([^)]{0,500}\)|\[[^\]]{0,100}\])")
_ROLE = re.compile(r":[\w:.+-]+:`([^`]+)`")
_LOG = logging.getLogger(__name__)


def survey(path: str, text: str, media_type: str) -> FileFacts:
    """The facts of one file. Never raises: what a parser can't read is noted.

    Args:
        path: from the repository's root, with slashes.
        media_type: as the source knows it: `text/x-python`, `text/markdown`, ...
    """
    text = text.replace("\r\n", "\n")
    language = _PROSE.get(media_type, media_type.removeprefix("text/x-").removeprefix("text/"))
    facts = FileFacts(language=language, lines=text.count("\n") + (not text.endswith("\n")))
    if len(text) > MAX_CHARACTERS:
        return replace(facts, notes=(f"It has more than {MAX_CHARACTERS:,} characters and was not looked into.",))
    try:
        facts = _prose(facts, text) if media_type in _PROSE or language == "plain" else _code(facts, path, text)
        facts = replace(facts, findings=(*facts.findings, *manifests.found_in_manifest(path, text)))
        return replace(facts, order=navigation.order_in(path, text))
    except MemoryError:
        raise
    except Exception as error:  # parsers of a dozen formats: what they say of a broken file is a note, no failure
        _LOG.debug("%s could not be surveyed whole", digest(path)[:8], exc_info=error)
        return replace(facts, notes=(*facts.notes, f"It could not be read whole: {type(error).__name__}."))


def _code(facts: FileFacts, path: str, text: str) -> FileFacts:
    notes: tuple[str, ...] = ()
    if facts.language == "python":
        try:
            python = PythonFile(path, text)
        except PythonRefusedError:
            notes = ("Python's own parser refuses it; its symbols are those of its syntax tree.",)
        else:
            return replace(
                facts,
                purpose=first_paragraph(python.purpose),
                symbols=python.symbols,
                imports=python.imports,
                findings=python.findings,
            )
    found = tuple(patterns.found_by_patterns(text, facts.language))
    tree = syntax.read_syntax(text, facts.language)
    if tree is None:
        return replace(facts, findings=found, notes=notes)
    return replace(
        facts,
        purpose=first_paragraph(tree.header),
        namespace=tree.namespace,
        symbols=tuple(tree.symbols),
        imports=tuple(tree.imports),
        findings=found,
        notes=notes,
    )


def _prose(facts: FileFacts, text: str) -> FileFacts:
    """A document: its first words that are no heading and no badge."""
    position = navigation.own_position(text)
    facts = replace(facts, namespace="" if position is None else f"position {position:+07d}")
    if text.startswith("---\n") and (end := text.find("\n---", 3)) > 0:
        text = text[end + 4 :]
    fenced = False
    paragraph: list[str] = []
    lines = text.split("\n")[:400]
    for number, line in enumerate(lines):
        bare = line.strip()
        fenced = fenced != bare.startswith(("```", "~~~"))
        under = number + 1 < len(lines) and _UNDERLINE.match(lines[number + 1])
        skipped = fenced or _HEADING.match(bare) or _UNDERLINE.match(bare) or under or _MARKUP.search(bare)
        if bare and not skipped and not bare.startswith(("|", "```", "#", "- ", "* ", "    ")):
            paragraph.append(bare)
        elif paragraph:
            break
    return replace(facts, purpose=first_paragraph("\n".join(paragraph)))


def first_paragraph(text: str) -> str:
    """The first paragraph of a docstring or document on one line, cut at a sentence where it is long."""
    paragraph = re.split(r"\n\s*\n", text.strip(), maxsplit=1)[0]
    plain = " ".join(_ROLE.sub(r"`\1`", _LINK.sub(r"\1", paragraph)).split())
    if len(plain) <= _PURPOSE:
        return plain
    end = max(plain.rfind(mark, 60, _PURPOSE) for mark in (". ", "! ", "? "))
    return plain[: end + 1] if end > 0 else f"{plain[: _PURPOSE - 1].rstrip()}…"
