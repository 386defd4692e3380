"""What a search may be restricted to, and the condition that LanceDB is given for it.

LanceDB's expression builder has no functions for lists and prefixes, so the condition is SQL; every value in it goes
through `literal` or is a number. The column names are this module's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from wiki_pipeline.errors import SearchError
from wiki_pipeline.model import SourceKey

MAX_VALUES = 1_000
# Kinds of documents, as people say it. Media types of source code are `text/x-python` and the like.
_CODE = "starts_with(media_type, 'text/x-')"
_KINDS = {
    "page": "source_type = 'confluence'",
    "file": "source_type = 'git'",
    "code": _CODE,
    "prose": f"NOT {_CODE}",
}
KINDS = tuple(_KINDS)
MEANT = {"open": ("new", "indeterminate"), "todo": ("new",), "progress": ("indeterminate",), "closed": ("done",)}
"""What people call the categories of an issue's status; Jira's own names of them will do as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Restrictions of a search. All that are set must hold; of the values of one, any.

    Attributes:
        sources: the sources to search.
        space_keys: spaces, repositories.
        kinds: "page", "file", "code", "prose", or the kind of a source.
        labels: documents with any of the labels, whatever their case.
        authors: who changed the document last: parts of display names, whatever their case.
        languages: that the text is in, as "de"; looked at in the text, so texts that don't tell theirs are left out.
        path_prefix: repository files below this path ("docs/").
        media_types: of the documents, as "text/markdown".
        modified_from, modified_before: from the first moment up to, but without, the second. Documents whose date is
            not known are left out. Times without a zone are UTC.
        document_ids: the documents to search.
        facets: `status=Done`, whatever the case of the value; of several values of one name any must hold, of several
            names all.
    """

    sources: tuple[SourceKey, ...] = ()
    space_keys: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    path_prefix: str = ""
    media_types: tuple[str, ...] = ()
    modified_from: datetime | None = None
    modified_before: datetime | None = None
    document_ids: tuple[str, ...] = ()
    facets: tuple[str, ...] = ()

    def condition(self) -> str | None:
        """As SQL; None if nothing is restricted.

        Raises:
            SearchError: more values than a condition should have.
        """
        parts = [
            *_any_of("source", map(str, self.sources)),
            *_any_of("space_key", self.space_keys),
            *_any_of("media_type", self.media_types),
            *_any_of("document_id", self.document_ids),
        ]
        parts += [_either(condition, values) for condition, values in (
            (of_kind, self.kinds), (of_author, self.authors)) if values]  # fmt: skip
        if self.labels:
            parts.append(with_label(*self.labels))
        by_name: dict[str, list[str]] = {}
        for facet in self.facets:
            by_name.setdefault(facet.partition("=")[0], []).append(facet)
        parts += [_either(with_facet, facets) for facets in by_name.values()]
        if self.path_prefix:
            parts.append(f"starts_with(path, {literal(self.path_prefix)})")
        if self.modified_from is not None:
            parts.append(f"last_modified >= {_seconds(self.modified_from)}")
        if self.modified_before is not None:
            parts.append(f"last_modified < {_seconds(self.modified_before)}")
        return " AND ".join(parts) or None


def _any_of(column: str, values: Iterable[str]) -> list[str]:
    desired = list(values)
    return [f"{column} IN ({_list(desired)})"] if desired else []


def of_kind(kind: str) -> str:
    """What holds for rows of a kind, as SQL."""
    kind = kind.lower()
    return _KINDS.get(kind, f"source_type = {literal(kind)}")


def of_author(name: str) -> str:
    """What holds for rows whose author's name has this part, as SQL."""
    return f"contains(lower(author), {literal(name.lower())})"


def with_label(*labels: str) -> str:
    """What holds for rows with any of the labels, as SQL. Labels are written small as a rule, not always."""
    spelled = dict.fromkeys(spelling for label in labels for spelling in (label, label.lower()))
    return f"array_has_any(labels, [{_list(spelled)}])"


def with_facet(facet: str) -> str:
    """What holds for rows of which the source says this, as `status=Done`, as SQL. The case does not count, nor that of
    the facet's name."""
    name, _, value = facet.partition("=")
    known = MEANT.get(value.strip().lower()) if name.strip().lower() in {"category", "is"} else None
    name = "category" if name.strip().lower() == "is" else name.strip().lower()
    # All facets as one text, each between line ends.
    told = "concat(chr(10), lower(array_to_string(facets, chr(10))), chr(10))"
    return " OR ".join(
        f"contains({told}, {literal(f'{chr(10)}{name}={each.lower()}{chr(10)}')})" for each in known or (value.strip(),)
    )


def _either(condition: Callable[[str], str], values: Sequence[str]) -> str:
    if len(values) > MAX_VALUES:
        raise SearchError(f"A filter with {len(values)} values is too long.", f"Give at most {MAX_VALUES}.")
    return f"({' OR '.join(map(condition, values))})"


def _list(values: Iterable[str]) -> str:
    texts = [literal(value) for value in values]
    if len(texts) > MAX_VALUES:
        raise SearchError(f"A filter with {len(texts)} values is too long.", f"Give at most {MAX_VALUES}.")
    return ", ".join(texts)


def literal(value: str) -> str:
    """A string literal. Only the quote means anything within one."""
    # A lone surrogate is in no table, and can't be sent: it becomes the replacement character.
    whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "'" + whole.replace("'", "''") + "'"


def _seconds(moment: datetime) -> int:
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
