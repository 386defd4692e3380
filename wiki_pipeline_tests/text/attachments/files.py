"""Small PDF and Word files, honest and hostile, made byte by byte."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence

from docx import Document


def pdf(*pages: str) -> bytes:
    """A PDF with one line of text a page."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in enumerate(pages):
        content = f"{5 + 2 * number} 0 R"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {content} "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        objects.append(stream(f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()))
    return assembled(objects)


def stream(data: bytes) -> bytes:
    """A stream object, compressed."""
    packed = zlib.compress(data, 9)
    return b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed)


def assembled(objects: Sequence[bytes]) -> bytes:
    """Objects 1, 2, ... as a file; the first is the catalogue."""
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def word(*paragraphs: tuple[str, str], table: Sequence[Sequence[str]] = ()) -> bytes:
    """A Word file of paragraphs (style and text), then a table."""
    document = Document()
    for style, text in paragraphs:
        document.add_paragraph(text, style=style)
    if table:
        rows = document.add_table(len(table), len(table[0]))
        for row, cells in zip(rows.rows, table, strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
    held = io.BytesIO()
    document.save(held)
    return held.getvalue()


def word_bomb(size: int) -> bytes:
    """A Word file of some kilobytes whose text is `size` bytes."""
    held = io.BytesIO(word(("Normal", "small")))
    with zipfile.ZipFile(held, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as parts:
        parts.writestr("word/extra.xml", b"<a>" + b" " * size + b"</a>")
    return held.getvalue()


def endless_pdf() -> bytes:
    """A PDF whose one page computes for ever, as far as patience goes: 400,000 pieces of text in a heap of states."""
    line = b"q 1 0 0 1 1 1 cm BT /F1 12 Tf 1 1 Td (again and again) Tj ET "
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
        stream(line * 400_000),
    ]
    return assembled(objects)
