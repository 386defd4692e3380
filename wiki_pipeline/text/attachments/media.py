"""What a file is: by its bytes, never by what a stranger calls it. A name only tells apart what bytes do not."""

from __future__ import annotations

import mimetypes
import re

SVG = "image/svg+xml"
PDF = "application/pdf"
_OFFICE = "application/vnd.openxmlformats-officedocument"
WORD = f"{_OFFICE}.wordprocessingml.document"
# Drawings as the programs that draw them keep them.
DRAWIO = "application/vnd.jgraph.mxfile"
GLIFFY = "application/gliffy+json"
EXCALIDRAW = "application/vnd.excalidraw+json"
BPMN = "application/bpmn+xml"
DRAWINGS = frozenset({DRAWIO, GLIFFY, EXCALIDRAW, BPMN})
UNKNOWN = "application/octet-stream"

# Pictures that every browser shows, and that can do nothing but be shown. (SVG can, unless it is served as harmless.)
DISPLAYED = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", SVG})

_SIGNATURES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"....ftypavi[fs]", re.DOTALL), "image/avif"),
    (re.compile(rb"[\s\S]{0,1000}?%PDF-\d"), PDF),
)
_ZIP = b"PK\x03\x04"
_IN_ZIP = {
    ".docx": WORD,
    ".xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    ".pptx": f"{_OFFICE}.presentationml.presentation",
}
_SVG = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s+|<\?[^>]{0,500}\?>|<!--.{0,2000}?-->|<!DOCTYPE\s[^>\[]{0,500}>)*<svg[\s>]", re.DOTALL
)
_DRAWINGS = (
    (re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?[^>]{0,500}\?>\s*)?<(?:mxfile|mxGraphModel)[\s>]"), DRAWIO),
    (re.compile(rb"(?:\xef\xbb\xbf)?\s*<[\s\S]{0,2000}?\"http://www\.omg\.org/spec/BPMN/"), BPMN),
    (re.compile(rb"\s*\{[\s\S]{0,2000}?\"contentType\"\s*:\s*\"application/gliffy\+json\""), GLIFFY),
    (re.compile(rb"\s*\{[\s\S]{0,500}?\"type\"\s*:\s*\"excalidraw\""), EXCALIDRAW),
)
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body|script|iframe|\?xml|!--)", re.IGNORECASE)
_TEXT_TYPES = frozenset({"text/plain", "text/csv", "text/tab-separated-values", "application/json"})
_LOOKED_AT = 8_192


def media_type_of(data: bytes, name: str) -> str:
    """The media type of a file's bytes; `UNKNOWN` if it is none of those that pages commonly show or link.

    What looks like a web page is `text/html`, whatever it is called.
    """
    head = data[:_LOOKED_AT]
    if _SVG.match(head):
        return SVG
    for signature, media_type in _DRAWINGS:
        if signature.match(head):
            return media_type
    if _MARKUP.match(head):
        return "text/html"
    for signature, media_type in _SIGNATURES:
        if signature.match(head):
            return media_type
    by_name = media_type_by_name(name)
    if head.startswith(_ZIP):
        return by_name if by_name in _IN_ZIP.values() else "application/zip"
    return by_name if by_name in _TEXT_TYPES and _is_text(head) else UNKNOWN


def media_type_by_name(name: str) -> str:
    """The media type that a name claims; `UNKNOWN` if it claims none."""
    extension = "." + name.rpartition(".")[2].lower()
    own = {".webp": "image/webp", ".avif": "image/avif", ".csv": "text/csv", **_IN_ZIP}
    return own.get(extension) or mimetypes.guess_type(name, strict=True)[0] or UNKNOWN


def _is_text(head: bytes) -> bool:
    if b"\x00" in head:
        return False
    try:
        head[:-3].decode()
    except UnicodeDecodeError as error:
        return error.end >= len(head) - 3
    return True
