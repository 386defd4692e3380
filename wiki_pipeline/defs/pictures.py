"""Pictures of tables in a materialisation: bar charts as SVG, drawn by hand since they are all that is drawn here."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import dagster as dg

from wiki_pipeline.store import StageTable
from wiki_pipeline.sync.stage import Bars, Histogram

_WIDTH, _HEIGHT, _BASE, _TOP = 640, 180, 150, 30


def picture(what: Histogram | Bars, table: StageTable) -> dg.MetadataValue[str]:
    """A stage's picture of its table.

    Raises:
        StoreError: the table can't be read.
    """
    rows = table.read(columns=what.columns)
    if isinstance(what, Bars):
        return _bars(what.title, what.groups(rows))
    return _histogram(what.title, what.numbers(rows) if what.numbers else rows[what.columns[0]].to_pylist())


def _bars(title: str, counts: Sequence[tuple[str, int]]) -> dg.MetadataValue[str]:
    """A bar chart.

    Args:
        title: what is counted, with its unit.
        counts: label and height of each bar, from left to right; the labels of the first, middle and last are shown.
    """
    highest = max((count for _, count in counts), default=0) or 1
    step = (_WIDTH - 20) / max(len(counts), 1)
    shown = {0, len(counts) // 2, len(counts) - 1}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="10" y="18" font-size="13" fill="#1f2937">{escape(title)}</text>',
    ]
    for index, (label, count) in enumerate(counts):
        x, height = 10 + index * step, (_BASE - _TOP) * count / highest
        parts.append(
            f'<rect x="{x:.1f}" y="{_BASE - height:.1f}" width="{max(step - 2, 1):.1f}" height="{height:.1f}" '
            f'fill="#4f46e5"><title>{escape(label)}: {count}</title></rect>'
        )
        if index in shown:
            parts.append(
                f'<text x="{x + step / 2:.1f}" y="{_BASE + 16}" font-size="11" fill="#6b7280" '
                f'text-anchor="middle">{escape(label)}</text>'
            )
    parts.append("</svg>")
    encoded = base64.b64encode("".join(parts).encode()).decode()
    return dg.MetadataValue.md(f"![{title}](data:image/svg+xml;base64,{encoded})")


def _histogram(title: str, values: Sequence[int], bins: int = 24) -> dg.MetadataValue[str]:
    """How often values of each size occur, in equal steps up to the 99th percentile; the last bar holds the rest."""
    ordered = sorted(values)
    top = max(ordered[int(len(ordered) * 0.99)] if ordered else 0, 1)
    width = max(top / bins, 1)
    counts = [0] * (min(bins, int(top / width)) + 1)
    for value in ordered:
        counts[min(int(value / width), len(counts) - 1)] += 1
    return _bars(title, [(f"{round(index * width)}", count) for index, count in enumerate(counts)])
