"""Files of pages: Data Center gives them at `/download/attachments/`, Cloud sends callers on to a media store.

The media store is this same server under its other name (`localhost` for `127.0.0.1`): another origin, to which no
credentials of the site may come.
"""

from __future__ import annotations

import re
import zlib
from urllib.parse import quote, unquote_plus

from wiki_pipeline.demo.confluence import v1_answers
from wiki_pipeline.demo.confluence.records import Attachment
from wiki_pipeline.demo.confluence.world import World
from wiki_pipeline.demo.web import Answer, Request

MEDIA = "/_media/file/"
_SERVLET = re.compile(r"/download/(?:attachments|thumbnails)/(?P<id>\d+)/(?P<name>[^/]+)")
_HIDDEN_401 = {"WWW-Authenticate": 'OAuth realm="https%3A%2F%2Fexample.atlassian.net"'}


def servlet(world: World, request: Request) -> Answer | None:
    """The file at an old download address; None if there is none. Cloud refuses API tokens there."""
    match = _SERVLET.fullmatch(request.path)
    if match is None:
        return None
    page, name = world.site.contents.get(match["id"]), unquote_plus(match["name"])
    if page is None or not world.sees(request.user, page):
        return None
    found = next((item for item in page.attachments if item.title == name), None)
    if found is None:
        return None
    if world.cloud and "authorization" in request.headers:
        return Answer(401, b"", "text/html", dict(_HIDDEN_401))
    return _bytes(found)


def redirect(world: World, request: Request, content_id: str, attachment_id: str) -> Answer:
    """GET /content/{id}/child/attachment/{attachmentId}/download: 302 to the media store, with a token of its own."""
    page = v1_answers.Answers(world).living(request, content_id)
    if all(item.id != attachment_id for item in page.attachments):
        raise v1_answers.not_found(attachment_id)
    address = f"{media_origin(request.origin)}{MEDIA}{attachment_id}/binary?token={quote(_token(attachment_id))}"
    return Answer(302, b"", "text/html", {"location": address})


def media_origin(origin: str) -> str:
    """The origin of the media store of the site at an origin."""
    return origin.replace("127.0.0.1", "localhost")


def media(world: World, request: Request) -> Answer:
    """What the media store gives: to those who have the token, and bring nothing else."""
    attachment_id = request.path.removeprefix(MEDIA).partition("/")[0]
    found = world.site.attachment(attachment_id)
    if {"authorization", "cookie"} & request.headers.keys():
        world.violation(request, "credentials of the site were sent to the media store")
    if found is None or request.get("token") != _token(attachment_id) or "localhost" not in request.origin:
        return Answer(403, b"", "text/plain")
    return _bytes(found[1])


def _token(attachment_id: str) -> str:
    return f"eyJ{zlib.crc32(attachment_id.encode()):08x}"


def _bytes(item: Attachment) -> Answer:
    return Answer(200, item.data, item.media_type, {"content-disposition": "attachment"})
