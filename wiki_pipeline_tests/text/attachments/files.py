"""Small PDF and Word files, honest and hostile, made byte by byte."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence

from docx import Document

_PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> >> >>"


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
    with zipfile.ZipFile(held, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as parts:
        parts.writestr("word/extra.xml", b"<a>" + b" " * size + b"</a>")
    return held.getvalue()


def font_bomb(ranges: int) -> bytes:
    """A PDF of some kilobytes whose font says what 65,536 characters mean, again and again."""
    mapping = b"begincmap\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
    mapping += b"1 beginbfrange\n<0000> <FFFF> <0041>\nendbfrange\n" * ranges + b"endcmap\n"
    return assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
            b"<< /Type /Font /Subtype /Type0 /BaseFont /A /Encoding /Identity-H /ToUnicode 6 0 R >>",
            _PAGE,
            stream(b"BT /F1 12 Tf 1 1 Td <00410042> Tj ET"),
            stream(mapping),
        ]
    )


def widths_bomb(count: int) -> bytes:
    """A PDF whose font has a width for each of very many characters, in one range."""
    return assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
            b"<< /Type /Font /Subtype /Type0 /BaseFont /A /Encoding /Identity-H /DescendantFonts [6 0 R] >>",
            _PAGE,
            stream(b"BT /F1 12 Tf 1 1 Td <00410042> Tj ET"),
            b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /A /DW 1000 /W [0 %d 500] >>" % count,
        ]
    )


def object_stream_bomb() -> bytes:
    """A PDF whose pages stand in a stream of objects that says to hold a billion, and to go on in itself."""
    inner = b"2 0 << /Type /Pages /Kids [2 0 R] /Count 1 >>"
    packed = zlib.compress(inner)
    body = (
        b"3 0 obj\n<< /Type /ObjStm /N 1000000000 /First 4 /Extends 3 0 R /Length %d /Filter /FlateDecode >>\n"
        % len(packed)
    )
    body += b"stream\n" + packed + b"\nendstream\nendobj\n"
    start = b"%PDF-1.5\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    rows = [(0, 0, 255), (1, 9, 0), (2, 3, 0), (1, len(start), 0), (1, len(start) + len(body), 0)]
    table = zlib.compress(
        b"".join(bytes([kind]) + where.to_bytes(4, "big") + bytes([last]) for kind, where, last in rows)
    )
    head = b"4 0 obj\n<< /Type /XRef /Size 5 /Root 1 0 R /W [1 4 1] /Length %d /Filter /FlateDecode >>\n" % len(table)
    table = head + b"stream\n" + table + b"\nendstream\nendobj\n"
    return start + body + table + b"startxref\n%d\n%%%%EOF\n" % (len(start) + len(body))


def _spaces(size: int) -> bytes:
    """So many spaces, compressed by zlib: a piece of them again and again, as packing a gigabyte takes many seconds."""
    plain = b" " * 1_000_000
    pieces, rest = divmod(size, len(plain))
    packer = zlib.compressobj(9, wbits=-15)
    piece = packer.compress(plain) + packer.flush(zlib.Z_FULL_FLUSH)  # what comes next refers to nothing in it
    last = packer.compress(plain[:rest]) + packer.flush()
    check = 1
    for _ in range(pieces):
        check = zlib.adler32(plain, check)
    return b"\x78\xda" + piece * pieces + last + zlib.adler32(plain[:rest], check).to_bytes(4, "big")


def flate_bomb(size: int) -> bytes:
    """A PDF whose page is `size` bytes of nothing, packed twice."""
    twice = zlib.compress(_spaces(size), 9)
    return assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>",
            b"<< /Length %d /Filter [/FlateDecode /FlateDecode] >>\nstream\n%s\nendstream" % (len(twice), twice),
        ]
    )


def drawn_in_itself() -> bytes:
    """A PDF whose page draws a form that draws itself twice."""
    form, drawing = zlib.compress(b"/X1 Do /X1 Do"), b"/Resources << /XObject << /X1 4 0 R >> >>"
    return assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 5 0 R " + drawing + b" >>",
            b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] %s /Length %d /Filter /FlateDecode >>"
            % (drawing, len(form))
            + b"\nstream\n%s\nendstream" % form,
            stream(b"/X1 Do"),
        ]
    )


def word_with(body: str) -> bytes:
    """A Word file with another body, in WordprocessingML."""
    held, source = io.BytesIO(), io.BytesIO(word(("Normal", "small")))
    with zipfile.ZipFile(source) as given, zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as parts:
        for name in given.namelist():
            data = given.read(name)
            if name == "word/document.xml":
                namespace = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
                data = body.replace("<w:document>", f'<w:document xmlns:w="{namespace}">').encode()
            parts.writestr(name, data)
    return held.getvalue()


def wide_word(columns: int) -> bytes:
    """A Word file with a table whose one cell spans very many columns."""
    cell = f'<w:tc><w:tcPr><w:gridSpan w:val="{columns}"/></w:tcPr><w:p><w:r><w:t>word</w:t></w:r></w:p></w:tc>'
    return word_with(f"<w:document><w:body><w:tbl><w:tblGrid/><w:tr>{cell}</w:tr></w:tbl></w:body></w:document>")


def entity_word() -> bytes:
    """A Word file whose entities hold each other ten times."""
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    text = "<w:document><w:body><w:p><w:r><w:t>&e11;</w:t></w:r></w:p></w:body></w:document>"
    return word_with(f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e0 "boom">{entities}]>{text}')


def deep_word(depth: int) -> bytes:
    """A Word file of tables in tables."""
    opened, closed = "<w:tbl><w:tblGrid/><w:tr><w:tc>", "<w:p/></w:tc></w:tr></w:tbl>"
    return word_with(f"<w:document><w:body>{opened * depth}{closed * depth}</w:body></w:document>")


def endless_pdf() -> bytes:
    """A PDF whose one page computes for ever, as far as patience goes: 400,000 pieces of text in a heap of states."""
    line = b"q 1 0 0 1 1 1 cm BT /F1 12 Tf 1 1 Td (again and again) Tj ET "
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        _PAGE,
        stream(line * 400_000),
    ]
    return assembled(objects)
