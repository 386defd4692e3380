"""What a file is, whatever it is called."""

from __future__ import annotations

import pytest

from wiki_pipeline.text.attachments import media_type_of
from wiki_pipeline.text.attachments.media import PDF, SVG, UNKNOWN, WORD
from wiki_pipeline_tests.text.attachments.files import pdf, word

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20


@pytest.mark.parametrize(
    ("data", "name", "media_type"),
    [
        (PNG, "a.png", "image/png"),
        (PNG, "a.jpg", "image/png"),
        (b"\xff\xd8\xff\xe0", "a", "image/jpeg"),
        (b"GIF89a", "a.gif", "image/gif"),
        (b"RIFF\x01\x02\x03\x04WEBPVP8", "a.webp", "image/webp"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", SVG),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- drawn -->\n<!DOCTYPE svg PUBLIC "x">\n<svg >', "a", SVG),
        (b"<html><script>alert(1)</script>", "a.png", "text/html"),
        (b"  <!DOCTYPE html>", "a.svg", "text/html"),
        (b"<?xml version='1.0'?><html><svg></svg>", "a.svg", "text/html"),
        (b"<script>alert(1)</script>", "a.txt", "text/html"),
        (b"not a picture", "a.png", UNKNOWN),
        (b"a,b\n1,2\n", "a.csv", "text/csv"),
        ("Grüße".encode(), "a.txt", "text/plain"),
        (b"\x00\x01", "a.txt", UNKNOWN),
        (pdf("x"), "a.docx", PDF),
        (word(("Normal", "x")), "a.docx", WORD),
        (word(("Normal", "x")), "a.pdf", "application/zip"),
        (b"MZ\x90", "a.pdf", UNKNOWN),
        (b"", "a.png", UNKNOWN),
    ],
)
def test_bytes_decide(data: bytes, name: str, media_type: str) -> None:
    assert media_type_of(data, name) == media_type
