"""How REST v1 writes contents, spaces, users and restrictions: recorded answers of both flavours are the model.

What is not expanded is only named under `_expandable`, with the address that would bring it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote_plus

from wiki_pipeline.demo.confluence import expansions, view
from wiki_pipeline.demo.confluence.cache import WrittenContents
from wiki_pipeline.demo.confluence.expansions import Tree
from wiki_pipeline.demo.confluence.records import Version
from wiki_pipeline.demo.confluence.site import Content, Space
from wiki_pipeline.demo.confluence.v1_parts import Json, V1Parts, timestamp
from wiki_pipeline.demo.web import ApiError

_UNSAFE_IN_DISPLAY = frozenset('?&\\/:;+<>"%#')


def tiny(content_id: str) -> str:
    """The short link of a content: its number, little-endian, in a base64 without its tail."""
    data = int(content_id.removeprefix("att")).to_bytes(8, "little")
    return base64.b64encode(data).decode().rstrip("=").rstrip("A").replace("/", "-").replace("+", "_")


class V1Json:
    """Writes the v1 form of contents and spaces; `parts` writes what is inside, `written` keeps what was written."""

    def __init__(self, parts: V1Parts, written: WrittenContents) -> None:
        self.parts = parts
        self.base = parts.base
        self.cloud = parts.cloud
        self.written = written

    # --- contents ------------------------------------------------------------------------------------------------

    def content(self, content: Content, want: Tree, version: Version | None = None) -> Json:
        """A page, folder, comment or blog post with what `want` expands.

        Raises:
            ApiError: 500 if the storage body is asked for of a page that can't be rendered, 404 if restrictions are
                desired below a page in the trash.
        """
        shown = version or content.version
        path = f"/rest/api/content/{content.id}"
        space_path = f"/rest/api/space/{content.space.key}"
        status = content.status if shown is content.version else "historical"
        result: Json = {"id": content.id, "type": content.type, "status": status, "title": shown.title}
        expandable: Json = {"metadata": "", "operations": "", "container": space_path}
        parts: list[tuple[str, str, Callable[[Tree], Any]]] = [
            ("space", space_path, lambda tree: self.space(content.space, tree)),
            ("history", f"{path}/history", lambda tree: self.history(content, tree)),
            ("version", "", lambda tree: self.parts.version(content, shown)),
            ("ancestors", "", lambda tree: [self.ancestor(above, tree) for above in content.ancestors]),
            ("body", "", lambda tree: self.body(content, shown, tree)),
            ("metadata", "", lambda tree: self.metadata(content, tree)),
            ("restrictions", f"{path}/restriction/byOperation", lambda tree: self.restrictions(content, tree)),
            ("container", space_path, lambda tree: self.space(content.space, tree)),
            ("children", f"{path}/child", lambda tree: self.below(content, "child", tree)),
            ("descendants", f"{path}/descendant", lambda tree: self.below(content, "descendant", tree)),
        ]
        for name, link, write in parts:
            if name in want:
                result[name] = write(want[name])
                expandable.pop(name, None)
            else:
                expandable[name] = link
        if self.cloud:
            result["macroRenderedOutput"] = {}
            expandable |= {"childTypes": "", "schedulePublishInfo": "", "schedulePublishDate": ""}
        result["extensions"] = {"position": self.position(content)}
        result["_expandable"] = expandable
        result["_links"] = self.links(content)
        return result

    def ancestor(self, content: Content, want: Tree) -> Any:
        """A content as seen from below: mostly unexpanded and met again and again, so kept as written."""
        if want:
            return self.content(content, want)
        return self.written.get(content, (self.base, ""), partial(self.content, content, want))

    def position(self, content: Content) -> int | str:
        """Cloud numbers all siblings; Data Center says "none" until they were ordered."""
        if content.position is not None:
            return content.position
        return int(content.id) % 1_000_000 if self.cloud else "none"

    def links(self, content: Content) -> Json:
        """`webui` lacks the context path: it is to be joined to `base`."""
        draft = f"/pages/resumedraft.action?draftId={content.id}"
        return {
            "webui": self.webui(content),
            "editui" if self.cloud else "edit": draft,
            "tinyui": f"/x/{tiny(content.id)}",
            "self": f"{self.base}/rest/api/content/{content.id}",
        }

    def webui(self, content: Content) -> str:
        """Where people read it."""
        title = quote_plus(content.title)
        if content.type == "comment":
            return f"/pages/viewpage.action?focusedCommentId={content.id}"
        if self.cloud:
            if content.type != "page":
                return f"/spaces/{content.space.key}/{content.type}/{content.id}"
            overview = content is content.space.homepage
            return f"/spaces/{content.space.key}/" + ("overview" if overview else f"pages/{content.id}/{title}")
        if content.title.isascii() and not _UNSAFE_IN_DISPLAY & set(content.title) and content.status == "current":
            return f"/display/{content.space.key}/{title}"
        return f"/pages/viewpage.action?pageId={content.id}"

    def history(self, content: Content, want: Tree) -> Json:
        """Who made it and when; `lastUpdated` only if it is expanded itself."""
        result: Json = {
            "latest": True,
            "createdBy": self.parts.user(content.creator),
            "createdDate": timestamp(content.created, self.parts.zone),
            "_links": {"self": f"{self.base}/rest/api/content/{content.id}/history"},
        }
        previous = content.versions[-2] if len(content.versions) > 1 else None
        parts: dict[str, Any] = {
            "lastUpdated": self.parts.version(content, content.version) if "lastUpdated" in want else None,
            "previousVersion": self.parts.version(content, previous) if previous else None,
            "contributors": {"_expandable": {"publishers": ""}},
            "nextVersion": None,
        }
        if self.cloud:
            parts |= {"ownedBy": self.parts.user(content.creator), "lastOwnedBy": None}
        result |= {name: part for name, part in parts.items() if name in want and part is not None}
        result["_expandable"] = {name: "" for name in parts if name not in want}
        return result

    def body(self, content: Content, version: Version, want: Tree) -> Json:
        """The bodies asked for; the others are named."""
        kinds = expansions.CLOUD_BODIES if self.cloud else expansions.BODIES
        result: Json = {}
        for kind in want:
            value = self._body_value(content, version, kind)
            result[kind] = {
                "value": value,
                "representation": kind,
                "_expandable": {"content": f"/rest/api/content/{content.id}"},
            }
            if self.cloud:
                result[kind]["embeddedContent"] = []
        result["_expandable"] = {kind: "" for kind in kinds if kind not in want}
        return result

    def _body_value(self, content: Content, version: Version, kind: str) -> str:
        if kind in {"storage", "editor", "editor2"}:
            if content.storage_fails:
                raise ApiError(500, "java.lang.NullPointerException: Cannot render body of content " + content.id)
            return version.storage
        return view.render(version.storage, self.base, content)

    def metadata(self, content: Content, want: Tree) -> Json:
        """Labels; the rest is named."""
        kinds = (
            ["labels", "currentuser", "properties", "frontend"] if self.cloud else ["labels", "currentuser", "likes"]
        )
        result: Json = {"_expandable": {kind: "" for kind in kinds if kind not in want}}
        if "labels" in want:
            path = f"/rest/api/content/{content.id}/label"
            result["labels"] = self.parts.nested(path, [self.parts.label(content, name) for name in content.labels])
        return result

    def below(self, content: Content, relation: str, want: Tree) -> Json:
        """The children or descendants of the types asked for, first piece of each."""
        path = f"/rest/api/content/{content.id}/{relation}"
        tree = content.descendants() if relation == "descendant" else content.ordered_children()
        result: Json = {"_links": {"self": self.base + path}}
        for kind in want:
            if kind == "attachment":
                items = [self.parts.attachment(content, item, want[kind]) for item in content.attachments]
            else:
                source = content.comments if kind == "comment" else tree
                shown = (item for item in source if item.type == kind and item.status == "current")
                items = [self.content(item, want[kind]) for item in shown]
            result[kind] = self.parts.nested(f"{path}/{kind}", items)
        kinds = ("page", "attachment", "comment")
        result["_expandable"] = {kind: f"{path}/{kind}" for kind in kinds if kind not in want}
        return result

    # --- restrictions --------------------------------------------------------------------------------------------

    def restrictions(self, content: Content, want: Tree) -> Json:
        """Restrictions by operation: what is set on this very page, not what it inherits."""
        if any(above.status == "trashed" for above in content.ancestors):
            raise ApiError(404, f"No content found with id: ContentId{{id={content.id}}}")
        path = f"/rest/api/content/{content.id}/restriction/byOperation"
        result: Json = {
            operation: self.parts.restriction(content, operation, want[operation].get("restrictions", {}))
            for operation in ("read", "update")
            if operation in want
        }
        result["_expandable"] = {operation: "" for operation in ("read", "update") if operation not in want}
        result["_links"] = {"self": self.base + path}
        return result

    # --- spaces, people, files -----------------------------------------------------------------------------------

    def space(self, space: Space, want: Tree) -> Json:
        """A space; its `id` is a number in v1."""
        home = f"/rest/api/content/{space.homepage.id}" if space.homepage else ""
        result: Json = {"id": space.id, "key": space.key, "name": space.name, "type": space.type}
        expandable: Json = {"metadata": "", "permissions": "", "icon": "", "description": "", "homepage": home}
        if self.cloud:
            result |= {"alias": space.key, "status": space.status}
            expandable |= {"settings": f"/rest/api/space/{space.key}/settings", "operations": "", "lookAndFeel": ""}
            expandable |= {"theme": f"/rest/api/space/{space.key}/theme", "history": "", "identifiers": ""}
        else:
            result |= {"status": space.status, "creator": self.parts.user(space.creator)}
            result |= {"lastModifier": self.parts.user(space.creator)}
            moment = timestamp(space.created, self.parts.zone)
            result |= {"creationDate": moment, "lastModificationDate": moment}
            expandable |= {"retentionPolicy": ""}
        if "description" in want:
            result["description"] = {
                kind: {"value": space.description, "representation": kind, "embeddedContent": []}
                for kind in ("plain", "view")
                if kind in want["description"]
            }
            del expandable["description"]
        if "homepage" in want and space.homepage:
            result["homepage"] = self.content(space.homepage, want["homepage"])
            del expandable["homepage"]
        webui = f"/spaces/{space.key}" if self.cloud else f"/display/{space.key}"
        result["_expandable"] = expandable
        result["_links"] = {"webui": webui, "self": f"{self.base}/rest/api/space/{space.key}"}
        return result
