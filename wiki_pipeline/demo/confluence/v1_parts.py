"""The smaller things that REST v1 writes: people, versions, labels, restrictions, files, lists inside a content."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import quote_plus

from wiki_pipeline.demo.confluence.expansions import Tree
from wiki_pipeline.demo.confluence.records import Attachment, Restriction, User, Version
from wiki_pipeline.demo.confluence.site import Content

Json = dict[str, Any]
_NO_FACE = {"path": "/images/icons/profilepics/anonymous.svg", "width": 48, "height": 48, "isDefault": True}


def timestamp(moment: datetime, zone: tzinfo) -> str:
    """`2023-02-17T09:08:30.734Z`, or with an offset where the server does not live in UTC."""
    return moment.astimezone(zone).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class V1Parts:
    """Writes the v1 form of things that hold no contents.

    Attributes:
        base: address of the site with its context path, as `https://x.atlassian.net/wiki`.
        cloud: whether Cloud's form is written, otherwise Data Center's.
        zone: the zone in which Data Center writes its timestamps.
        nested_limit: how many labels or restrictions a nested list holds.
    """

    base: str
    cloud: bool
    zone: tzinfo
    nested_limit: int

    def user(self, user: User) -> Json:
        """A person: by account id on Cloud, by user name and key on Data Center; no one if anonymous."""
        if not user.key:
            return {"type": "anonymous", "profilePicture": dict(_NO_FACE), "displayName": user.display_name}
        if self.cloud:
            return {
                "type": "known",
                "accountId": user.key,
                "accountType": "atlassian",
                "email": "",
                "publicName": user.display_name,
                "displayName": user.display_name,
                "isExternalCollaborator": False,
                "_expandable": {"operations": "", "personalSpace": ""},
                "_links": {"self": f"{self.base}/rest/api/user?accountId={user.key}"},
            }
        return {
            "type": "known",
            "username": user.name,
            "userKey": user.key,
            "displayName": user.display_name,
            "_links": {"self": f"{self.base}/rest/api/user?key={user.key}"},
            "_expandable": {"profilePicture": "", "status": ""},
        }

    def version(self, content: Content, version: Version) -> Json:
        """A version: who, when, number."""
        api = "api" if self.cloud else "experimental"
        result: Json = {
            "by": self.user(version.by),
            "when": timestamp(version.when, self.zone),
            "message": version.message,
            "number": version.number,
            "minorEdit": version.minor_edit,
            "_expandable": {"content": f"/rest/api/content/{content.id}"},
            "_links": {"self": f"{self.base}/rest/{api}/content/{content.id}/version/{version.number}"},
        }
        if self.cloud:
            result["friendlyWhen"] = version.when.strftime("%b %d, %Y")
            result["confRev"] = f"confluence$content${content.id}.{version.number}"
            result["contentTypeModified"] = False
            result["_expandable"]["collaborators"] = ""
        else:
            result["hidden"] = False
        return result

    def label(self, content: Content, name: str) -> Json:
        """A label."""
        number = str(content.space.site.label_id(name))
        return {"prefix": "global", "name": name, "id": number, "label": name}

    def nested(self, path: str, items: list[Json]) -> Json:
        """The first page of a list inside a content: it goes on at its own address."""
        shown = items[: self.nested_limit]
        links = {"self": self.base + path}
        if len(items) > len(shown):
            links["next"] = f"{path}?limit={self.nested_limit}&start={len(shown)}"
        return {"results": shown, "start": 0, "limit": self.nested_limit, "size": len(shown), "_links": links}

    def restriction(self, content: Content, operation: str, want: Tree) -> Json:
        """One operation of a page: the users and groups that may do it; empty lists mean: whoever may above."""
        path = f"/rest/api/content/{content.id}/restriction/byOperation/{operation}"
        restriction = content.restrictions.get(operation, Restriction())
        lists: dict[str, Iterable[Json]] = {
            "user": [self.user(user) for user in restriction.users],
            "group": [{"type": "group", "name": name, "id": name} for name in restriction.groups],
        }
        held: Json = {}
        for kind, items in lists.items():
            if kind in want:
                held[kind] = self.nested(f"{path}/{kind}", list(items))
        held["_expandable"] = {kind: "" for kind in lists if kind not in want}
        return {
            "operation": operation,
            "restrictions": held,
            "_expandable": {"content": f"/rest/api/content/{content.id}"},
            "_links": {"self": self.base + path},
        }

    def attachment(self, page: Content, item: Attachment, want: Tree) -> Json:
        """A file of a page; `download` lacks the context path as `webui` does."""
        path = f"/rest/api/content/{item.id}"
        result: Json = {
            "id": item.id,
            "type": "attachment",
            "status": "current",
            "title": item.title,
            "metadata": {"mediaType": item.media_type, "comment": item.version.message},
            "extensions": {"mediaType": item.media_type, "fileSize": item.stated_size, "comment": item.version.message},
            "_expandable": {"container": f"/rest/api/content/{page.id}", "history": f"{path}/history", "space": ""},
            "_links": {
                "webui": f"/pages/viewpageattachments.action?pageId={page.id}&preview=/{page.id}/{item.id}",
                "download": f"/download/attachments/{page.id}/{quote_plus(item.title)}?version={item.version.number}",
                "self": self.base + path,
            },
        }
        if "version" in want:
            result["version"] = self.version(page, item.version)
        else:
            result["_expandable"]["version"] = ""
        if "container" in want:
            result["container"] = {"id": page.id, "type": page.type, "status": page.status, "title": page.title}
            del result["_expandable"]["container"]
        return result
