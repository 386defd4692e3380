"""The figures as a picture: an SVG that any browser, and a README, shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from wiki_pipeline_tests.benchmarks.figures import Figure

_WIDTH, _LEFT, _RIGHT, _ROW, _BAR = 1120, 560, 180, 26, 16
_GOOD, _BAD, _PLAIN, _INK, _GREY = "#2e7d4f", "#c0392b", "#4f6bb0", "#1f2937", "#6b7280"
_MOST_SHOWN = 5.0  # times the bound: what is better is drawn like this


@dataclass(frozen=True, slots=True)
class _Bar:
    label: str
    length: float
    text: str
    colour: str


def picture(figures: Sequence[Figure]) -> str:
    """Bars of all figures with a bound (against it), and of all speeds (against the fastest of their unit)."""
    bound = [
        _Bar(f.name, min(margin, _MOST_SHOWN) / _MOST_SHOWN, f"{f.shown} ({f.bound})", _GOOD if f.met else _BAD)
        for f in figures
        if (margin := f.margin) is not None
    ]
    speeds = [f for f in figures if f.speed]
    fastest = {unit: max(f.value for f in speeds if f.unit == unit) for unit in {f.unit for f in speeds}}
    speed = [_Bar(f.name, f.value / fastest[f.unit], f.shown, _PLAIN) for f in speeds]
    parts: list[str] = []
    y = 30
    if bound:
        y = _panel(parts, y, f"How many times better than its bound (the line); drawn up to {_MOST_SHOWN:.0f}", bound)
        parts.insert(0, _line(_LEFT + _scale(1 / _MOST_SHOWN), 40, y - 20))
    if speed:
        y = _panel(parts, y, "Speed, more is better", speed)
    size = f'viewBox="0 0 {_WIDTH} {y}" width="{_WIDTH}" height="{y}"'
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="system-ui, sans-serif" font-size="12">'
    paper = f'<rect width="{_WIDTH}" height="{y}" fill="#ffffff"/>'
    return "\n".join([opening, paper, *parts, "</svg>\n"])


def _panel(parts: list[str], y: int, title: str, bars: Sequence[_Bar]) -> int:
    """Draw a panel from `y` downwards; where the next one begins."""
    parts.append(f'<text x="12" y="{y}" font-size="14" font-weight="600" fill="{_INK}">{escape(title)}</text>')
    y += 14
    for bar in bars:
        length = max(1.0, _scale(bar.length))
        middle = y + _BAR - 4
        parts.append(f'<text x="{_LEFT - 8}" y="{middle}" text-anchor="end" fill="{_INK}">{escape(bar.label)}</text>')
        parts.append(f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR}" fill="{bar.colour}"/>')
        parts.append(f'<text x="{_LEFT + length + 6:.1f}" y="{middle}" fill="{_GREY}">{escape(bar.text)}</text>')
        y += _ROW
    return y + 34


def _line(x: float, top: int, bottom: int) -> str:
    return f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="{_GREY}" stroke-dasharray="3 3"/>'


def _scale(part: float) -> float:
    return part * (_WIDTH - _LEFT - _RIGHT)
