"""Documents to be converted, as the sources give them."""

from __future__ import annotations

from wiki_pipeline.model import CleanPage, RawPage
from wiki_pipeline.text.clean import Known, clean_page

STORAGE = "application/vnd.atlassian.confluence.storage+xml"
CLOUD = "https://x.atlassian.net/wiki/spaces/ENG/pages/42/Home"
DATA_CENTER = "https://wiki.example.org/confluence/display/ENG/Home"
USERS = {"abc123": "Ada Lovelace"}


def raw_page(body: str, *, url: str = CLOUD, media_type: str = STORAGE) -> RawPage:
    """A page of the space ENG with the id 42 and the title Home."""
    return RawPage(
        document_id="42", title="Home", url=url, space_key="ENG", media_type=media_type, version_key="1", body=body
    )


def raw_file(path: str, body: str, media_type: str) -> RawPage:
    """A file of a repository."""
    url = f"https://github.com/org/repo/blob/0123456789abcdef0123456789abcdef01234567/{path}"
    return RawPage(document_id=path, title=path, path=path, url=url, media_type=media_type, version_key="1", body=body)


def converted(body: str, *, url: str = CLOUD, media_type: str = STORAGE) -> CleanPage:
    """The page with that body, where Ada Lovelace is known."""
    return clean_page(raw_page(body, url=url, media_type=media_type), Known(users=USERS))


def macro(name: str, inside: str = "", **parameters: str) -> str:
    """A macro in the storage format."""
    shown = "".join(f'<ac:parameter ac:name="{key}">{value}</ac:parameter>' for key, value in parameters.items())
    return f'<ac:structured-macro ac:name="{name}" ac:macro-id="f00d">{shown}{inside}</ac:structured-macro>'


def code(text: str, **parameters: str) -> str:
    """A code macro; `text` is what stands in its CDATA section."""
    return macro("code", f"<ac:plain-text-body><![CDATA[{text}]]></ac:plain-text-body>", **parameters)


def rich(name: str, body: str, **parameters: str) -> str:
    """A macro around elements."""
    return macro(name, f"<ac:rich-text-body>{body}</ac:rich-text-body>", **parameters)
