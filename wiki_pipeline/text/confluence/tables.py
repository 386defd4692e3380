"""Handlers of tables: pipe tables where cells are lines, else HTML tables with Markdown in their cells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate, zip_longest

from wiki_pipeline.text import markdown
from wiki_pipeline.text.confluence.registry import Element, element
from wiki_pipeline.text.confluence.writer import PageWriter, one_line

# Spans are resolved while the grid stays below so many cells; a hostile table can't grow beyond.
MAX_GRID_CELLS = 100_000
_MOST_HEADER_ROWS = 4
_SECTIONS = {"thead", "tbody", "tfoot"}
_MARKED = re.compile(r"[\n\\`*_~\[\]<>&$!|:/#+-]")
_STRONG = re.compile(r"\*\*([^\n\\`*_~\[\]<>&$!|:/#+-]+)\*\*")
_ALIGN = re.compile(r"text-align:\s*(left|center|right)")


@dataclass(slots=True)
class _Cell:
    node: Element
    columns: int
    rows: int

    @property
    def is_header(self) -> bool:
        return bool(self.node.tag == "th")


@element("table", block=True)
def tables(node: Element, page: PageWriter) -> str:
    """A table. Merged cells show their value in each row and column that they span."""
    rows, captions = _read(node)
    title = one_line(" ".join(page.inline(caption) for caption in captions))
    if not rows:
        return page.blocks(node)
    complex_cells = any(page.is_complex(cell.node) for row in rows for cell in row if len(cell.node))
    written = _html_table(rows, page) if complex_cells else _pipe_table(rows, page)
    return f"**{title}**\n\n{written}" if title else written


@element("tr", "td", "th", "thead", "tbody", "tfoot", "caption", block=True)
def stray_parts(node: Element, page: PageWriter) -> str:
    """A part of a table outside of one is a paragraph."""
    return page.blocks(node)


@element("colgroup", "col")
def columns(node: Element, page: PageWriter) -> str:
    """Nothing: widths only."""
    return ""


def _read(node: Element) -> tuple[list[list[_Cell]], list[Element]]:
    rows: list[list[_Cell]] = []
    captions: list[Element] = []
    for part in node:
        if part.tag in _SECTIONS:
            rows += [_cells(row) for row in part if row.tag == "tr"]
        elif part.tag == "tr":
            rows.append(_cells(part))
        elif part.tag == "caption":
            captions.append(part)
    rows = [row for row in rows if row]
    _widen(rows)
    return rows, captions


def _cells(row: Element) -> list[_Cell]:
    return [
        _Cell(
            cell,
            0 if cell.get("colspan") == "0" else _span(cell.get("colspan"), 1000),
            _span(cell.get("rowspan"), 65_534),
        )
        for cell in row
        if cell.tag in {"td", "th"}
    ]


def _widen(rows: list[list[_Cell]]) -> None:
    """Let cells that span no column (`colspan="0"`) span the rest of their row, as HTML 4 has it."""
    if all(cell.columns for row in rows for cell in row):
        return
    hanging = [0] * (len(rows) + 1)  # by how much more columns hang into a row from above than into the row before
    for at, row in enumerate(rows[:-1]):
        for cell in row:
            hanging[at + 1] += max(1, cell.columns)
            hanging[min(at + cell.rows, len(rows))] -= max(1, cell.columns)
    hung = list(accumulate(hanging))
    width = max(hung[at] + sum(max(1, cell.columns) for cell in row) for at, row in enumerate(rows))
    for at, row in enumerate(rows):
        taken = hung[at] + sum(cell.columns for cell in row)
        for cell in row:
            if not cell.columns:
                cell.columns = max(1, width - taken)
                taken += cell.columns


def _span(value: str | None, most: int) -> int:
    return min(int(value), most) or 1 if value and value.isascii() and value.isdecimal() and len(value) < 9 else 1


def _pipe_table(rows: list[list[_Cell]], page: PageWriter) -> str:
    headers = _header_rows(rows)
    texts = [[_cell_text(cell, page, in_header=at < headers) for cell in row] for at, row in enumerate(rows)]
    grid = _resolved(rows, texts, page)
    if not headers:
        grid.insert(0, [])  # no headers, or a column of them
    elif headers > 1:
        merged = zip_longest(*grid[:headers], fillvalue="")
        grid[:headers] = [[" ".join(dict.fromkeys(filter(None, column))) for column in merged]]
    return markdown.table(grid, [_alignment(cell.node) for cell in rows[0]])


def _header_rows(rows: list[list[_Cell]]) -> int:
    """How many rows are headers: Markdown has one, so that several become one."""
    first = rows[0]
    if not any(cell.is_header for cell in first):
        return 0
    if all(cell.is_header for cell in first):
        rest = rows if len(rows) <= _MOST_HEADER_ROWS else rows[:_MOST_HEADER_ROWS]
        count = next((at for at, row in enumerate(rest) if not all(cell.is_header for cell in row)), len(rest))
        return count if count < len(rows) else 1
    return 0 if all(row[0].is_header for row in rows) else 1


def _cell_text(cell: _Cell, page: PageWriter, *, in_header: bool) -> str:
    """A cell as a line; headers outside of the header rows, such as those of a column, are strong."""
    text = markdown.cell(page.blocks(cell.node))
    if in_header or not cell.is_header or not text or "*" in text:
        return text
    return f"**{text}**"


def _alignment(cell: Element) -> str:
    found = _ALIGN.search(cell.get("style") or "")
    return found.group(1) if found else ""


def _resolved(rows: list[list[_Cell]], texts: list[list[str]], page: PageWriter) -> list[list[str]]:
    """The rows with spanning cells repeated where they belong; a cell over the whole width is shown once a row."""
    if all(cell.columns == 1 and cell.rows == 1 for row in rows for cell in row):
        return texts
    area = sum(cell.columns * min(cell.rows, len(rows) - at) for at, row in enumerate(rows) for cell in row)
    if area > MAX_GRID_CELLS:
        page.note("A table's merged cells are too many to be repeated; each is shown once.")
        return texts
    grid: list[list[str]] = []
    hanging: dict[int, tuple[int, str]] = {}  # column: rows still to fill, text
    for row, row_texts in zip(rows, texts, strict=True):
        line: list[str] = []
        above, hanging = hanging, {}
        for cell, text in zip(row, row_texts, strict=True):
            _hang(line, above, hanging, upto=None)
            for column in range(len(line), len(line) + cell.columns):
                above.pop(column, None)
                if cell.rows > 1:
                    hanging[column] = (cell.rows - 1, text)
            line += [text] + [text if len(row) > 1 or above or line else ""] * (cell.columns - 1)
        _hang(line, above, hanging, upto=max(above, default=-1))
        grid.append(line)
    return grid


def _hang(
    line: list[str], above: dict[int, tuple[int, str]], hanging: dict[int, tuple[int, str]], upto: int | None
) -> None:
    """Continue a line with the cells that hang into it from above; `upto` a column, or as long as they follow on."""
    while len(line) in above or (upto is not None and len(line) <= upto):
        left, text = above.pop(len(line), (0, ""))
        if left > 1:
            hanging[len(line)] = (left - 1, text)
        line.append(text)


def _html_table(rows: list[list[_Cell]], page: PageWriter) -> str:
    return "\n".join(
        ["<table>", *(f"<tr>{''.join(_html_cell(cell, page) for cell in row)}</tr>" for row in rows), "</table>"]
    )


def _html_cell(cell: _Cell, page: PageWriter) -> str:
    """A cell of an HTML table: Markdown between the empty lines that make it Markdown there; plain words as such."""
    tag = cell.node.tag
    spans = f' colspan="{cell.columns}"' if cell.columns > 1 else ""
    spans += f' rowspan="{cell.rows}"' if cell.rows > 1 else ""
    content = page.blocks(cell.node)
    strong = _STRONG.fullmatch(content)
    if strong:
        content = f"<strong>{strong.group(1)}</strong>"
    elif _MARKED.search(content):
        content = f"\n\n{content}\n\n"
    return f"<{tag}{spans}>{content}</{tag}>"
