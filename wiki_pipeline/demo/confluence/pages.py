"""What is not an API: pages for people, downloads, and the error pages around both."""

from __future__ import annotations

import html
import re
from urllib.parse import unquote_plus

import orjson

from wiki_pipeline.demo.confluence import downloads
from wiki_pipeline.demo.confluence.site import Content
from wiki_pipeline.demo.confluence.world import World
from wiki_pipeline.demo.web import Answer, Request

_PAGE_ADDRESSES = (
    re.compile(r"/spaces/[^/]+/(?:pages|folder|whiteboard|database|embed)/(?P<id>\d+)(?:/.*)?"),
    re.compile(r"/spaces/(?P<key>[^/]+)(?:/overview)?/?"),
    re.compile(r"/display/(?P<key>[^/]+)/(?P<title>[^/]+)"),
    re.compile(r"/display/(?P<key>[^/]+)/?"),
    re.compile(r"/pages/viewpage\.action"),
)
_DOCUMENT = (
    '<!DOCTYPE html><html><head><meta charset="utf-8"/><meta name="ajs-page-id" content="{id}"/>'
    "<title>{title}</title></head><body><h1>{title}</h1><p>{space} · version {version} · {author}</p>"
    '<pre style="white-space: pre-wrap">{body}</pre></body></html>'
)
_TOMCAT_401 = (
    b'<!doctype html><html lang="en"><head><title>HTTP Status 401 - Unauthorized</title></head><body>'
    b"<h1>HTTP Status 401 - Unauthorized</h1><p><b>Type</b> Status Report</p>"
    b"<p><b>Message</b> Basic Authentication Failure - Reason : AUTHENTICATED_FAILED</p></body></html>"
)
_CLOUD_BASIC_401 = (
    b"Basic authentication with passwords is deprecated.  For more information, see: "
    b"https://confluence.atlassian.com/cloud/deprecation-of-basic-authentication-with-passwords-for-jira-and-confluence"
    b"-apis-972355348.html\n"
)


def answer(world: World, request: Request) -> Answer | None:
    """The page or file at an address; None if there is nothing of the kind."""
    if request.path.startswith("/download/"):
        return downloads.servlet(world, request)
    page = _page_at(world, request)
    if page is None or not world.sees(request.user, page):
        return None
    document = _DOCUMENT.format(
        id=page.id,
        title=html.escape(page.title),
        space=html.escape(page.space.name),
        version=page.version.number,
        author=html.escape(page.version.by.display_name),
        body=html.escape(page.body),
    )
    return Answer(200, document.encode(), "text/html;charset=UTF-8")


def _page_at(world: World, request: Request) -> Content | None:
    for address in _PAGE_ADDRESSES:
        match = address.fullmatch(request.path)
        if not match:
            continue
        found = match.groupdict()
        if "title" in found:
            space = world.site.spaces.get(found["key"])
            title = unquote_plus(found["title"])
            contents = space.contents.values() if space else ()
            return next((item for item in contents if item.title == title and item.status == "current"), None)
        if "key" in found:
            space = world.site.spaces.get(found["key"])
            return (space.homepage or next(iter(space.contents.values()), None)) if space else None
        return world.site.contents.get(found.get("id") or request.get("pageId"))
    return None


def unauthorized(request: Request, *, cloud: bool) -> Answer:
    """401 as each flavour writes it: Tomcat's page, Cloud's text for Basic, JSON at the gateway and in v2."""
    if not cloud:
        headers = {"WWW-Authenticate": 'OAuth realm="confluence"', "X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
        return Answer(401, _TOMCAT_401, "text/html;charset=utf-8", headers)
    if request.via_gateway:
        return Answer(401, orjson.dumps({"code": 401, "message": "Unauthorized; scope does not match"}))
    if "/api/v2/" in request.path:
        body = {"errors": [{"status": 401, "code": "UNAUTHORIZED", "title": "Unauthorized", "detail": None}]}
        return Answer(401, orjson.dumps(body))
    return Answer(
        401, _CLOUD_BASIC_401, "text/plain;charset=UTF-8", {"WWW-Authenticate": 'Basic realm="protected-area"'}
    )


def not_found() -> Answer:
    """404 as a page for people: what an address outside the APIs gives."""
    body = b"<!DOCTYPE html><html><head><title>Page Not Found</title></head><body><h1>Page Not Found</h1></body></html>"
    return Answer(404, body, "text/html;charset=UTF-8")
