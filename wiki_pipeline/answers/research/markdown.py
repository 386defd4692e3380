"""A report as a Markdown file that can be sent, printed, kept: complete by itself, with its sources as links.

What pages and models say is text in it: wherever the file is shown, no markup of theirs becomes a link, a picture or
HTML. Links are those of the table of sources, made by the program.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from wiki_pipeline.answers import markers
from wiki_pipeline.answers.answer import Method, Outcome, Passage
from wiki_pipeline.answers.cite import Citation, by_id
from wiki_pipeline.answers.markers import Marker
from wiki_pipeline.answers.research.report import Report, Section
from wiki_pipeline.answers.sentences import Kind
from wiki_pipeline.wiki.snippet import pieces_of

_CODE = re.compile(
    r"(?P<fence>^[ \t]*(?:`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t]*(?:`{3,}|~{3,})[ \t]*$|\Z))|(?P<span>`[^`\n]+`)",
    re.MULTILINE | re.DOTALL,
)
_FENCE_INFO = re.compile(r"^([ \t]*(?:`{3,}|~{3,}))[^\n]*")
_SPECIAL = re.compile(r"([\\\[\]<>$|!]|https?(?=:)|www(?=\.)|(?<=\w)@(?=\w))")
_ADDRESSES = frozenset({"http", "https", "www", "@"})
_MOST_PASSAGE = 2_000
_OUTCOMES = {
    Outcome.NOTHING: "Nothing here answers this.",
    Outcome.CANCELLED: "Stopped before it was complete.",
    Outcome.FAILED: "This could not be looked into.",
}


def markdown_of(report: Report, *, root: str = "", finished_at: datetime | None = None) -> str:
    """The file.

    Args:
        root: address of the wiki, without a slash at its end; empty: links lead upstream.
    """
    known = by_id(report.citations)
    lines = [f"# {_line(report.question)}", ""]
    if said := _OUTCOMES.get(report.outcome):
        lines += [f"**{said}**", ""]
    lines += [_made(report, finished_at), ""]
    lines += [f"> {_line(note.message)}\n" for note in report.notes]
    for section in report.all_sections:
        lines += [f"## {_line(section.title)}", "", *_section(section, known, root), ""]
    if report.contradictions:
        lines += ["## Where sources disagree", ""]
        for one in report.contradictions:
            lines.append(f"- **{_line(one.about)}**")
            for claim in one.claims:
                newer = " — changed last" if claim.citation == one.newer else ""
                lines.append(f"  - “{_line(claim.says)}” {_mark(claim.citation, known, root)}{newer}")
        lines.append("")
    if report.not_found:
        lines += ["## Not found here", "", *(f"- {_line(title)}" for title in report.not_found), ""]
    if report.sources:
        lines += ["## Sources", "", *_table(report, known, root), ""]
    return "\n".join(lines).rstrip() + "\n"


def _made(report: Report, finished_at: datetime | None) -> str:
    by = (
        f"Written by the language model {_line(report.model)}; numbers, dates and names were looked up in the sources."
        if report.method is Method.MODEL
        else "Quoted word for word from the pages; no language model wrote this."
    )
    on = f" Made on {finished_at.astimezone(UTC):%-d %B %Y, %H:%M} UTC." if finished_at else ""
    searched = ", ".join(_line(each.title) for each in report.searched)
    where = f" Looked in: {searched}." if searched else ""
    return f"*{by}{on} {report.steps} steps, {report.looked_at} passages read.{where}*"


def _section(section: Section, known: Mapping[str, Citation], root: str) -> list[str]:
    if section.text:
        return [_text(section, known, root)]
    lines: list[str] = []
    before = ""
    for passage in section.passages:
        citation = known[passage.citation]
        place = " › ".join(filter(None, (citation.title, citation.place)))
        if place != before:
            lines += [f"**{_line(place)}** {_mark(citation.id, known, root)}", ""]
            before = place
        lines += [*_quoted(passage), ""]
    return lines


def _text(section: Section, known: Mapping[str, Citation], root: str) -> str:
    """A model's text: its markers as links, its doubts said, the rest as text."""
    ends = {sentence.end: sentence for sentence in section.sentences}
    out: list[str] = []
    at = 0
    for token in markers.read(section.text, known):
        if isinstance(token, Marker):
            for name in token.ids:
                at += len(name) + 2
                out.append(_mark(name, known, root))
            texts = [(at, "")]
        else:
            texts, begin = [], at
            cuts = sorted(end for end in ends if at < end < at + len(token))
            for end in (*cuts, at + len(token)):
                texts.append((end, token[begin - at : end - at]))
                begin = end
            at += len(token)
        for end, text in texts:
            out.append(escaped(text))
            sentence = ends.pop(end, None)
            if sentence and sentence.missing:
                out.append(f" *(not in the source: {_line(', '.join(sentence.missing))})*")
            elif sentence and not sentence.citations:
                out.append(" *(no source named)*")
    return "".join(out)


def _quoted(passage: Passage) -> list[str]:
    if passage.kind == Kind.CODE.value:
        return ["```", *(line.replace("```", "'''") for line in passage.text.split("\n")), "```"]
    if passage.kind == Kind.ROW.value:
        header, row = _cells(passage.header), _cells(passage.text)
        width = max(len(header), len(row))
        rows = [header + [""] * (width - len(header)), ["---"] * width, row + [""] * (width - len(row))]
        return [f"> | {' | '.join(cells)} |" for cells in rows]
    around = (passage.before, f"**{_plain(passage.text)}**", passage.after)
    return ["> " + " ".join(filter(None, (_plain(around[0]), around[1], _plain(around[2]))))]


def _cells(row: str) -> list[str]:
    return [_plain(cell) for cell in row.strip().strip("|").replace("\\|", "\u00a6").split("|")] if row else []


def _table(report: Report, known: Mapping[str, Citation], root: str) -> list[str]:
    lines = ["| No. | Page | Kept in | Last changed | Version | Freshness |", "| --- | --- | --- | --- | --- | --- |"]
    for row in report.sources:
        numbers = ", ".join(name[1:] for name in row.citations)
        address = root + row.wiki_url if root else row.url
        page = f"[{_line(row.title)}]({_address(address)})" if address else _line(row.title)
        changed = f"{row.modified_at[:10]}{f' by {_line(row.author)}' if row.author else ''}" if row.modified_at else ""
        version = known[row.citations[0]].short_version if row.citations[0] in known else row.version
        fresh = f"out of date: {_line(row.stale.detail)}" if row.stale else "up to date"
        lines.append(f"| {numbers} | {page} | {_line(row.source_title)} | {changed} | {_line(version)} | {fresh} |")
    return lines


def _mark(name: str, known: Mapping[str, Citation], root: str) -> str:
    """A citation: its number, which leads to the place."""
    citation = known.get(name)
    if citation is None:
        return ""
    address = root + citation.wiki_url if root else citation.url
    number = rf"\[{name[1:]}\]"
    return f"[{number}]({_address(address)})" if address else number


def escaped(text: str) -> str:
    """Markdown of strangers that can't become a link, a picture, HTML or a formula wherever it is shown."""
    parts, at = [], 0
    for found in _CODE.finditer(text):
        parts.append(_plainly(text[at : found.start()]))
        code = found[0]
        parts.append(_FENCE_INFO.sub(r"\1", code, count=1) if found["fence"] else code)
        at = found.end()
    parts.append(_plainly(text[at:]))
    return "".join(parts)


def _plainly(text: str) -> str:
    # A zero-width no-break behind the scheme keeps viewers from making links of addresses by themselves.
    return _SPECIAL.sub(lambda found: f"{found[1]}\u2060" if found[1] in _ADDRESSES else f"\\{found[1]}", text)


def _plain(markdown: str) -> str:
    return escaped("".join(piece.text for piece in pieces_of(markdown, "", most=_MOST_PASSAGE))) if markdown else ""


def _line(text: str) -> str:
    return escaped(" ".join(text.split()).replace("`", "'")).replace("*", "\\*").replace("_", "\\_").lstrip("#> ")


def _address(address: str) -> str:
    return address.replace("(", "%28").replace(")", "%29").replace(" ", "%20").replace("<", "%3C").replace(">", "%3E")
