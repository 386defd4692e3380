"""Reads a space from a folder of storage-format files.

`space.json` names the space and the people that its pages mention: {"key", "name", "description", "homepage": page id,
"users"?: [{"display_name", "account_id", "user_key"}]}.
A page is `NN-slug.xml`; `NN` orders it among its siblings, its children are in the folder `NN-slug/` beside it, its
files in `NN-slug.attachments/`. The first line is a comment with its facts as JSON: `<!-- {"id", "title", "labels",
"author", "version", "created", "modified", "status"?, "type"?} -->`; the rest is the body.
"""

from __future__ import annotations

import json
import mimetypes
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from wiki_pipeline.demo.confluence.site import Content, Site, Space

HANDBOOK = Path(__file__).parent / "handbook"
_FACTS = re.compile(r"<!--\s*(\{.*\})\s*-->\s*")


def load_folder(site: Site, folder: Path = HANDBOOK) -> Space:
    """Make the space that a folder describes.

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
