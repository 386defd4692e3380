"""How REST v2 writes things, after the vendor's OpenAPI description and recorded answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import orjson

from wiki_pipeline.demo.confluence import view
from wiki_pipeline.demo.confluence.records import Attachment, User, Version
from wiki_pipeline.demo.confluence.site import Content, Site, Space
from wiki_pipeline.demo.confluence.v1_json import tiny
from wiki_pipeline.demo.confluence.v1_parts import timestamp as timestamp_in
from wiki_pipeline.demo.web import ApiError

Json = dict[str, Any]


def timestamp(moment: datetime) -> str:
    """`2023-05-07T11:29:23.670Z`."""
    return timestamp_in(moment, UTC)


class V2Json:
    """Writes the v2 form of things. `base` is the site with its context path."""

    def __init__(self, base: str, site: Site) -> None:
        self.base = base
        self.site = site

    def space(self, space: Space, description_format: str = "") -> Json:
        """A space; its `id` is a string in v2."""
        kinds = [description_format] if description_format else []
        return {
            "id": str(space.id),
            "key": space.key,
            "name": space.name,
            "type": space.type,
            "status": space.status,
            "authorId": space.creator.key,
            "spaceOwnerId": space.creator.key,
            "currentActiveAlias": space.key,
            "createdAt": timestamp(space.created),
            "homepageId": space.homepage.id if space.homepage else None,
            "description": {kind: {"representation": kind, "value": space.description} for kind in kinds} or None,
            "icon": None,
            "_links": {"webui": f"/spaces/{space.key}"},
        }

    def page(self, page: Content, body_format: str = "", version: Version | None = None) -> Json:
        """A page; without a body format its `body` is empty.

        Raises:
            ApiError: 500 if the storage body is asked for of a page that can't be rendered.
        """
        shown = version or page.version
        return {
            "id": page.id,
            "status": page.status if shown is page.version else "historical",
            "title": shown.title,
            "spaceId": str(page.space.id),
            "parentId": page.parent.id if page.parent else None,
            "parentType": page.parent.type if page.parent else None,
            "position": self.position(page),
            "authorId": page.creator.key or None,
            "ownerId": page.creator.key or None,
            "lastOwnerId": None,
            "createdAt": timestamp(page.created),
            "version": self.version(shown),
            "body": self.body(page, shown, body_format) if body_format else {},
            "_links": {
                "webui": self.webui(page),
                "editui": f"/pages/resumedraft.action?draftId={page.id}",
                "tinyui": f"/x/{tiny(page.id)}",
            },
        }

    def position(self, content: Content) -> int:
        """Order among siblings: numbers with gaps."""
        return int(content.id) % 1_000_000 if content.position is None else content.position

    def version(self, version: Version) -> Json:
        """A version."""
        return {
            "number": version.number,
            "message": version.message,
            "minorEdit": version.minor_edit,
            "authorId": version.by.key or None,
            "createdAt": timestamp(version.when),
        }

    def body(self, page: Content, version: Version, body_format: str) -> Json:
        """The body in one format."""
        if body_format in {"storage", "editor"}:
            if page.storage_fails:
                raise ApiError(500)
            value = version.storage
        elif body_format == "atlas_doc_format":
            paragraph = {"type": "paragraph", "content": [{"type": "text", "text": view.plain_text(version.storage)}]}
            value = orjson.dumps({"type": "doc", "version": 1, "content": [paragraph]}).decode()
        else:
            value = view.render(version.storage, self.base, page)
        return {body_format: {"representation": body_format, "value": value}}

    def webui(self, content: Content) -> str:
        """Where people read it, without the context path."""
        key = content.space.key
        if content.type != "page":
            return f"/spaces/{key}/{content.type}/{content.id}"
        if content is content.space.homepage:
            return f"/spaces/{key}/overview"
        return f"/spaces/{key}/pages/{content.id}/{quote_plus(content.title)}"

    def label(self, name: str) -> Json:
        """A label."""
        return {"id": str(self.site.label_id(name)), "name": name, "prefix": "global"}

    def child_page(self, page: Content) -> Json:
        """A child in the older list of child pages."""
        return {
            "id": page.id,
            "status": page.status,
            "title": page.title,
            "spaceId": str(page.space.id),
            "childPosition": self.position(page),
        }

    def child(self, content: Content) -> Json:
        """A direct child of any type."""
        return self.child_page(content) | {"type": content.type}

    def descendant(self, content: Content, depth: int) -> Json:
        """A content somewhere below another one."""
        return {
            "id": content.id,
            "status": content.status,
            "title": content.title,
            "type": content.type,
            "parentId": content.parent.id if content.parent else None,
            "depth": depth,
            "childPosition": self.position(content),
        }

    def container(self, content: Content) -> Json:
        """A folder, whiteboard, ...: like a page without a body."""
        page = self.page(content)
        return {"type": content.type} | {name: page[name] for name in page if name not in {"body", "lastOwnerId"}}

    def person(self, user: User) -> Json:
        """A person."""
        return {
            "accountId": user.key,
            "accountType": "atlassian",
            "accountStatus": "active",
            "displayName": user.display_name,
            "publicName": user.display_name,
            "email": "",
            "isExternalCollaborator": False,
        }

    def attachment(self, page: Content, item: Attachment) -> Json:
        """A file; `downloadLink` lacks the context path as `webui` does."""
        download = f"/download/attachments/{page.id}/{quote_plus(item.title)}?version={item.version.number}"
        webui = f"/pages/viewpageattachments.action?pageId={page.id}&preview=/{page.id}/{item.id}"
        return {
            "id": item.id,
            "status": "current",
            "title": item.title,
            "createdAt": timestamp(item.version.when),
            "pageId": page.id,
            "mediaType": item.media_type,
            "mediaTypeDescription": item.media_type,
            "comment": item.version.message,
            "fileId": item.id.removeprefix("att"),
            "fileSize": item.stated_size,
            "webuiLink": webui,
            "downloadLink": download,
            "version": self.version(item.version),
            "_links": {"webui": webui, "download": download},
        }
