"""A run as a picture: bars of each way's means, by kind of question, beside those of an earlier run."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from wiki_pipeline.evaluation.runs import summed

if TYPE_CHECKING:
    import pandas as pd

_WIDTH, _LEFT, _BAR, _GAP = 960, 220, 12, 10
_SCALE = _WIDTH - _LEFT - 130
_INK, _GREY, _PAPER = "#1f2937", "#9ca3af", "#ffffff"
_COLOURS = ("#4f6bb0", "#2e7d4f", "#b7791f", "#8e44ad", "#0e7490", "#be185d")


def drawn(now: pd.DataFrame, before: pd.DataFrame | None = None, measure: str = "ndcg@10") -> str:
    """An SVG with a bar a kind of question and way; a line across a bar where the earlier run ended.

    Args:
        now, before: rows as `evaluated` gives them.
        measure: one of its figures, between 0 and 1.
    """
    means = summed(now, ("kind", "way")).dropna(subset=[measure])
    earlier = {}
    if before is not None and measure in before.columns:
        told = summed(before, ("kind", "way")).dropna(subset=[measure])
        earlier = {(kind, way): value for kind, way, value in told[["kind", "way", measure]].itertuples(index=False)}
    ways = list(dict.fromkeys(means["way"]))
    colours = {way: _COLOURS[number % len(_COLOURS)] for number, way in enumerate(ways)}
    y, parts = 34, [_text(12, 22, f"{measure} by kind of question", size=15, weight=600)]
    for number, way in enumerate(ways):
        parts.append(f'<rect x="{_LEFT + 140 * number}" y="{y}" width="12" height="12" fill="{colours[way]}"/>')
        parts.append(_text(_LEFT + 140 * number + 18, y + 10, way))
    y += 30
    for kind, group in means.groupby("kind", sort=False):
        parts.append(_text(_LEFT - 10, y + 10, f"{kind or 'all'} ({group['questions'].max()})", anchor="end"))
        for way, value in group[["way", measure]].itertuples(index=False):
            length = _SCALE * float(value)
            parts.append(f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR}" fill="{colours[way]}"/>')
            shown = f"{value:.3f}"
            if (kind, way) in earlier:
                at = _LEFT + _SCALE * float(earlier[kind, way])
                parts.append(f'<path d="M{at:.1f} {y - 1}v{_BAR + 2}" stroke="{_INK}" stroke-width="2"/>')
                shown += f" ({value - earlier[kind, way]:+.3f})"
                length = max(length, at - _LEFT)
            parts.append(_text(_LEFT + length + 6, y + 10, shown, colour="#6b7280"))
            y += _BAR + 3
        y += _GAP
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" width="{_WIDTH}" height="{y}" '
        'font-family="system-ui, sans-serif" font-size="12">'
    )
    axis = f'<path d="M{_LEFT} 58V{y - _GAP}" stroke="{_GREY}"/>'
    return "\n".join([opening, f'<rect width="{_WIDTH}" height="{y}" fill="{_PAPER}"/>', axis, *parts, "</svg>\n"])


def _text(
    x: float, y: float, text: str, *, size: int = 12, weight: int = 400, anchor: str = "start", colour: str = _INK
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="{colour}">{escape(text)}</text>'
    )
