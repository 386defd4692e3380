"""Spaces to serve: read from a folder of storage-format files, or generated."""

from __future__ import annotations

import json
import math
import mimetypes
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from wiki_pipeline.demo.confluence.site import Content, Site, Space
from wiki_pipeline.demo.confluence.vocabulary import (
    ADJECTIVES,
    AUTHORS,
    CODE,
    LABELS,
    NOUNS,
    SENTENCES,
    TEAMS,
    TOPICS,
    VERBS,
)

AVERAGE_BYTES = 6_500
_CHILDREN = 12
_FIRST_ID = 20_000_000
_BEGIN = datetime(2021, 1, 4, 8, tzinfo=UTC)
_SPREAD = 0.55  # of the logarithm of a body's length: most between 2 and 15 KB


def generate_space(site: Site, key: str, pages: int, seed: int = 0) -> Space:
    """Fill a space, for benchmarks, with a tree of `pages` pages, each with up to 12 children.

    It is the same for the same seed. A page's body is made each time it is asked for, so a space of 50,000 pages costs
    the memory of its titles and dates only. Bodies average 6.5 KB of storage format and are as unequal as real ones:
    headings, paragraphs, lists, tables, code, panels, tasks, links to other pages of the space. Sentences come again,
    paragraphs hardly ever.

    Its pages are like all others: they can be edited, moved, trashed one by one.
    """
    space = site.space(key, f"{key.title()} Knowledge Base", description="A generated space.")
    known: list[Content] = []
    for number in range(pages):
        draw = random.Random(f"{key}:{seed}:{number}")
        created = _BEGIN + timedelta(minutes=draw.randrange(2_500_000))
        content = space.add(
            title(key, number),
            partial(body, key, seed, number, pages),
            parent=known[(number - 1) // _CHILDREN] if number else None,
            id=str(_FIRST_ID + len(site.spaces) * 1_000_000 + number),
            labels=draw.sample(LABELS, draw.choice((0, 0, 1, 2, 3))),
            author=draw.choice(AUTHORS),
            when=created,
            modified=created + timedelta(minutes=draw.randrange(400_000)),
            version=draw.randrange(1, 30),
            position=number,
        )
        known.append(content)
    if known:
        space.homepage = known[0]
    return space


def title(key: str, number: int) -> str:
    """The title of a page, no other page's."""
    topic = TOPICS[number % len(TOPICS)]
    noun = NOUNS[number // len(TOPICS) % len(NOUNS)]
    return f"{topic}: {noun} {key}-{number}" if number else f"{key.title()} home"


def body(key: str, seed: int, number: int, pages: int) -> str:
    """The storage format of a page: a pure function of its arguments."""
    draw = random.Random(f"{key}/{seed}/{number}")
    target = AVERAGE_BYTES * math.exp(draw.gauss(-_SPREAD * _SPREAD / 2, _SPREAD))
    target = max(400.0, target - AVERAGE_BYTES * 0.04)  # the last block goes beyond the target by about that much
    pieces = [_paragraph(draw)]
    length = len(pieces[0])
    makers, weights = _blocks(key, pages)
    while length < target:
        piece = draw.choices(makers, cum_weights=weights)[0](draw)
        pieces.append(piece)
        length += len(piece)
    return "".join(pieces)


@lru_cache(maxsize=64)
def _blocks(key: str, pages: int) -> tuple[list[Callable[[random.Random], str]], list[int]]:
    weighted: list[tuple[Callable[[random.Random], str], int]] = [
        (_paragraph, 40),
        (_heading, 18),
        (_list, 14),
        (_code, 8),
        (_table, 6),
        (_panel, 6),
        (_tasks, 3),
        (partial(_link, key, pages), 5),
    ]
    total, cumulated = 0, []
    for _, weight in weighted:
        total += weight
        cumulated.append(total)
    return [maker for maker, _ in weighted], cumulated


@lru_cache(maxsize=1)
def _sentences() -> list[str]:
    """Some thousand sentences, of which paragraphs are drawn."""
    draw = random.Random(1)
    return [
        escape(
            draw.choice(SENTENCES).format(
                a=draw.choice(ADJECTIVES),
                b=draw.choice(ADJECTIVES),
                n=draw.choice(NOUNS),
                m=draw.choice(NOUNS),
                o=draw.choice(NOUNS),
                v=draw.choice(VERBS),
                w=draw.choice(VERBS),
                t=draw.choice(TEAMS),
                d=draw.randrange(2, 9_000),
            )
        )
        for _ in range(8_000)
    ]


def _text(draw: random.Random, least: int, most: int) -> str:
    return " ".join(draw.choices(_sentences(), k=_between(draw, least, most)))


def _between(draw: random.Random, least: int, most: int) -> int:
    # A fifth of randint's time, which would be half of a body's.
    return least + int(draw.random() * (most - least + 1))


def _paragraph(draw: random.Random) -> str:
    return f"<p>{_text(draw, 2, 6)} See ticket {draw.choice(TEAMS)[:3].upper()}-{_between(draw, 1, 9_999)}.</p>"


def _heading(draw: random.Random) -> str:
    level = draw.choice((2, 2, 2, 3, 3, 4))
    words = f"{draw.choice(VERBS)} the {draw.choice(ADJECTIVES)} {draw.choice(NOUNS)}"
    return f"<h{level}>{words[:1].upper()}{words[1:]}</h{level}>{_paragraph(draw)}"


def _list(draw: random.Random) -> str:
    tag = draw.choice(("ul", "ul", "ol"))
    items = "".join(f"<li><p>{_text(draw, 1, 2)}</p></li>" for _ in range(_between(draw, 3, 7)))
    return f"<{tag}>{items}</{tag}>"


def _code(draw: random.Random) -> str:
    language, text = draw.choice(CODE)
    noun, other = (name.replace(" ", "_") for name in draw.choices(NOUNS, k=2))
    code = text.format(n=noun, m=other, d=_between(draw, 1, 9_999))
    return (
        f'<ac:structured-macro ac:name="code" ac:schema-version="1"><ac:parameter ac:name="language">{language}'
        f"</ac:parameter><ac:plain-text-body><![CDATA[{code}]]></ac:plain-text-body></ac:structured-macro>"
    )


def _table(draw: random.Random) -> str:
    columns = draw.choices(NOUNS, k=_between(draw, 3, 5))
    head = "".join(f"<th><p>{name}</p></th>" for name in columns)
    rows = "".join(
        f"<tr>{''.join(f'<td><p>{word} {_between(draw, 1, 9_999)}</p></td>' for word in words)}</tr>"
        for words in (draw.choices(ADJECTIVES, k=len(columns)) for _ in range(_between(draw, 3, 10)))
    )
    return f'<table data-layout="default"><tbody><tr>{head}</tr>{rows}</tbody></table>'


def _panel(draw: random.Random) -> str:
    name = draw.choice(("info", "note", "warning", "tip"))
    return (
        f'<ac:structured-macro ac:name="{name}" ac:schema-version="1"><ac:rich-text-body><p>{_text(draw, 1, 3)}</p>'
        "</ac:rich-text-body></ac:structured-macro>"
    )


def _tasks(draw: random.Random) -> str:
    tasks = "".join(
        f"<ac:task><ac:task-id>{number}</ac:task-id><ac:task-status>{draw.choice(('complete', 'incomplete'))}"
        f"</ac:task-status><ac:task-body>{_text(draw, 1, 1)}</ac:task-body></ac:task>"
        for number in range(1, _between(draw, 3, 6))
    )
    return f"<ac:task-list>{tasks}</ac:task-list>"


def _link(key: str, pages: int, draw: random.Random) -> str:
    target = title(key, _between(draw, 0, pages - 1))
    return (
        f'<p>{_text(draw, 1, 2)} More at <ac:link><ri:page ri:content-title="{target}"/>'
        f"<ac:link-body>{target}</ac:link-body></ac:link>.</p>"
    )


HANDBOOK = Path(__file__).parent / "handbook"
_FACTS = re.compile(r"<!--\s*(\{.*\})\s*-->\s*")


def load_folder(site: Site, folder: Path = HANDBOOK) -> Space:
    """Make the space that a folder describes.

    `space.json` names the space and the people that its pages mention: {"key", "name", "description", "homepage": page
    id, "users"?: [{"display_name", "account_id", "user_key"}]}. A page is `NN-slug.xml`; `NN` orders it among its
    siblings, its children are in the folder `NN-slug/` beside it, its files in `NN-slug.attachments/`. The first line
    is a comment with its facts as JSON: `<!-- {"id", "title", "labels", "author", "version", "created", "modified",
    "status"?, "type"?} -->`; the rest is the body.

    Raises:
        ValueError: a file's first line does not hold its facts.
    """
    facts = json.loads((folder / "space.json").read_text("utf-8"))
    for user in facts.get("users", ()):
        site.user(user["display_name"], user["account_id" if site.flavour == "cloud" else "user_key"])
    space = site.space(facts["key"], facts["name"], description=facts.get("description", ""))
    _load_pages(space, folder, None)
    space.homepage = space.contents[facts["homepage"]]
    space.created = min(content.created for content in space.contents.values())
    return space


def _load_pages(space: Space, folder: Path, parent: Content | None) -> None:
    for path in sorted(folder.glob("*.xml")):
        facts, body = _read(path)
        page = space.add(
            facts["title"],
            body,
            parent=parent,
            id=facts["id"],
            type=facts.get("type", "page"),
            status=facts.get("status", "current"),
            labels=facts.get("labels", ()),
            author=facts["author"],
            version=facts["version"],
            when=datetime.fromisoformat(facts["created"]),
            modified=datetime.fromisoformat(facts["modified"]),
            position=int(path.name.split("-")[0]),
        )
        for file in sorted(path.with_suffix(".attachments").glob("*")):
            media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            page.attach(file.name, file.read_bytes(), media_type, when=page.created)
        _load_pages(space, path.with_suffix(""), page)


def _read(path: Path) -> tuple[dict[str, Any], str]:
    text = path.read_text("utf-8")
    match = _FACTS.match(text)
    if not match:
        raise ValueError(f"{path.name} does not begin with its facts as JSON in a comment")
    return json.loads(match[1]), text[match.end() :]
