"""Handlers of the storage format's own links and pictures: `ac:link`, `ac:image`, `ri:*`, mentions, emoticons."""

from __future__ import annotations

import re
import unicodedata

from wiki_pipeline.text import markdown
from wiki_pipeline.text.confluence.elements import text_of
from wiki_pipeline.text.confluence.emoticons import EMOTICONS
from wiki_pipeline.text.confluence.registry import AC, RI, Element, element
from wiki_pipeline.text.confluence.writer import PageWriter, one_line
from wiki_pipeline.text.markdown import escape

# An emoji's id, and the categories of Unicode that its characters are of: a site's own emoji have ids as `a1b2`.
_NUMBER = re.compile(r"(?:[0-9a-f]{2,5}|10[0-9a-f]{4})", re.IGNORECASE)
_MOST_CHARACTERS = 12
_SYMBOLS = {"So", "Sm", "Me", "Po"}
_BESIDE = {"Sk", "Mn", "Cf", "Nd"}
_BODIES = (AC + "link-body", AC + "plain-text-link-body")


@element("ac:link")
def links(node: Element, page: PageWriter) -> str:
    """A link to a page, blog post, attachment, space, person, shortcut or address; upstream addresses."""
    target, name = resource(node, page)
    anchor = node.get(AC + "anchor") or ""
    text = _link_text(node, page)
    user = node.find(RI + "user")
    if user is not None and not text:
        return mention(user, page)
    if anchor and (not target or _is_here(node, page)):
        return page.anchor_link(text, anchor)
    if not target:
        return text or escape(name)
    return page.link(text or escape(name), f"{target}#{anchor}" if anchor else target)


def _is_here(node: Element, page: PageWriter) -> bool:
    """Whether a link names the page that it stands on."""
    other, content = node.find(RI + "page"), node.find(RI + "content-entity")
    if other is not None:
        space = other.get(RI + "space-key") or page.upstream.space_key
        return bool(other.get(RI + "content-title") == page.title and space == page.upstream.space_key)
    return content is not None and content.get(RI + "content-id") == page.upstream.page_id


def _link_text(node: Element, page: PageWriter) -> str:
    for name in _BODIES:
        body = node.find(name)
        if body is not None:
            return one_line(escape(text_of(body)) if name == AC + "plain-text-link-body" else page.inline(body))
    return one_line("".join(images(child, page) for child in node if child.tag == AC + "image"))


def resource(node: Element, page: PageWriter) -> tuple[str, str]:
    """The address and the name of the first thing that a node refers to (`ri:page`, `ri:url`, ...); empty if none."""
    for child in node:
        if isinstance(child.tag, str) and child.tag.startswith(RI):
            return _address(child, page)
    return "", ""


def _address(reference: Element, page: PageWriter) -> tuple[str, str]:  # noqa: PLR0911 - one a kind of reference
    get = reference.get
    space, title, upstream = get(RI + "space-key") or "", get(RI + "content-title") or "", page.upstream
    match reference.tag.removeprefix(RI):
        case "page":
            return (upstream.page_by_title(title, space) if title else ""), title
        case "blog-post":
            return upstream.blog_post(title, get(RI + "posting-day") or "", space), title
        case "content-entity":
            number = get(RI + "content-id") or ""
            return (upstream.page_by_id(number) if number else ""), number
        case "attachment":
            name = get(RI + "filename") or ""
            return attachment(reference, name, page), name
        case "url":
            address = get(RI + "value") or ""
            return upstream.absolute(address), address
        case "shortcut":
            return "", f"{get(RI + 'key') or ''}@{get(RI + 'parameter') or ''}".rstrip("@")
        case "space":
            return upstream.space(space), space
        case "user":
            account = get(RI + "account-id") or get(RI + "userkey") or get(RI + "username") or ""
            return (upstream.user(account) if account else ""), account
        case _:
            return "", title


def attachment(reference: Element, name: str, page: PageWriter) -> str:
    """The download address of an attachment of this page, or of the page that the reference names by its id."""
    owner = reference.find(RI + "content-entity")
    if owner is not None:
        return page.upstream.attachment(name, owner.get(RI + "content-id") or "")
    other = reference.find(RI + "page")
    if other is not None and other.get(RI + "content-title"):
        title, space = other.get(RI + "content-title") or "", other.get(RI + "space-key") or ""
        if title != page.title or space not in {"", page.upstream.space_key}:
            return page.upstream.page_by_title(title, space)
    return page.upstream.attachment(name)


@element("ri:user")
def mention(node: Element, page: PageWriter) -> str:
    """A person as `@Display Name`; `@unknown user` where that id is not in use any more, or names can't be seen."""
    account = node.get(RI + "account-id") or node.get(RI + "userkey") or node.get(RI + "username") or ""
    name = (page.name_of(account) if account else "") or node.get(RI + "username") or "unknown user"
    return escape(f"@{name}")


@element("ac:image")
def images(node: Element, page: PageWriter) -> str:
    """An image with its alternative text; a caption as title."""
    target, name = resource(node, page)
    caption = node.find(AC + "caption")
    shown = markdown.plain(one_line(page.inline(caption))) if caption is not None else ""
    title = shown or node.get(AC + "title") or ""
    alternative = node.get(AC + "alt") or title or name
    return page.image(alternative, target, title)


@element("ac:emoticon")
def emoticons(node: Element, page: PageWriter) -> str:
    """The emoticon as a Unicode character, or its short name."""
    for key in ("emoji-fallback", "emoji-shortname"):
        shown = node.get(AC + key)
        if shown and not shown.isascii():
            return str(shown)
    if shown := _emoji(node.get(AC + "emoji-id") or ""):
        return shown
    name = node.get(AC + "name") or ""
    short = node.get(AC + "emoji-shortname") or node.get(AC + "emoji-fallback") or ""
    if short and name == "blue-star":  # what Confluence writes for every emoji that it has no old name for
        name = ""
    return EMOTICONS.get(name) or EMOTICONS.get(short.strip(":")) or escape(short or (f":{name}:" if name else ""))


def _emoji(emoji_id: str) -> str:
    """The characters that an emoji's id names by their numbers (`1f1e9-1f1ea`); empty for a site's own emoji."""
    parts = emoji_id.split("-")
    if len(parts) > _MOST_CHARACTERS or not all(_NUMBER.fullmatch(part) for part in parts):
        return ""
    characters = "".join(chr(int(part, 16)) for part in parts)
    kinds = {unicodedata.category(character) for character in characters}
    return characters if kinds & _SYMBOLS and kinds <= _SYMBOLS | _BESIDE else ""
