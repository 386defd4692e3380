"""A diagram of what depends on what, as SVG: layers from left to right, at most 30 boxes, the same for the same input.

Our own few lines and no library: layout tools for Python call a program of another (Graphviz), or a browser's script,
which a page that is complete without JavaScript can't have. Colours and fonts come from the wiki's style sheet by
classes, so nothing of it needs an inline style and a strict CSP lets it be.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

MOST_NODES = 30
_HEIGHT, _GAP_Y, _GAP_X, _MARGIN = 34, 16, 76, 12
_CHARACTER = 7.3
_WIDEST = 34  # characters of a label


@dataclass(frozen=True, slots=True)
class Box:
    """A node: what is shown, where it leads, how much it weighs (files)."""

    name: str
    label: str
    address: str
    weight: int = 1


def layers(names: Sequence[str], edges: Iterable[tuple[str, str]]) -> tuple[list[list[str]], list[list[str]]]:
    """Names in layers, users before what they use, and the cycles (groups that use each other).

    Of a cycle all are in one layer.
    """
    below: dict[str, list[str]] = {name: [] for name in names}
    for one, other in edges:
        if one in below and other in below and one != other:
            below[one].append(other)
    groups = _strong(below)
    group_of = {name: place for place, group in enumerate(groups) for name in group}
    depth = [0] * len(groups)
    for place in range(len(groups) - 1, -1, -1):  # Tarjan's order: what is used comes first
        for name in groups[place]:
            for other in below[name]:
                target = group_of[other]
                if target != place:
                    depth[target] = max(depth[target], depth[place] + 1)
    ranked: dict[int, list[str]] = defaultdict(list)
    for name in names:
        ranked[depth[group_of[name]]].append(name)
    return [ranked[rank] for rank in sorted(ranked)], [sorted(group) for group in groups if len(group) > 1]


def _strong(below: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Strongly connected groups by Tarjan, without recursion; used ones before their users."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    on_stack: set[str] = set()
    stack: list[str] = []
    groups: list[list[str]] = []
    for root in below:
        if root in index:
            continue
        work: list[tuple[str, int]] = [(root, 0)]
        while work:
            name, child = work.pop()
            if child == 0:
                index[name] = low[name] = len(index)
                stack.append(name)
                on_stack.add(name)
            descended = False
            for place in range(child, len(below[name])):
                other = below[name][place]
                if other not in index:
                    work += [(name, place + 1), (other, 0)]
                    descended = True
                    break
                if other in on_stack:
                    low[name] = min(low[name], index[other])
            if descended:
                continue
            if low[name] == index[name]:
                group: list[str] = []
                while not group or group[-1] != name:
                    group.append(stack.pop())
                    on_stack.discard(group[-1])
                groups.append(group)
            if work:
                low[work[-1][0]] = min(low[work[-1][0]], low[name])
    return groups


def cycles(below: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Groups that use each other, each sorted."""
    inside = {name: [other for other in some if other in below] for name, some in below.items()}
    return sorted(sorted(group) for group in _strong(inside) if len(group) > 1)


def _told(edges: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """The edges without those that others tell already: where one leads to the next and that to a third, the line from
    the first to the third says nothing new. Within cycles all stay."""
    below: dict[str, list[str]] = defaultdict(list)
    for one, other in edges:
        below[one].append(other)
        below.setdefault(other, [])
    group_of = {name: number for number, group in enumerate(_strong(below)) for name in group}
    direct: dict[int, set[int]] = defaultdict(set)
    for one, other in edges:
        direct[group_of[one]].add(group_of[other])
    beyond: dict[int, set[int]] = {}
    for group in sorted(set(group_of.values())):  # what is used comes first
        others = direct[group] - {group}
        beyond[group] = {far for near in others for far in (beyond[near] | direct[near]) - {near}}
    return {
        (one, other): count
        for (one, other), count in edges.items()
        if group_of[one] == group_of[other] or group_of[other] not in beyond[group_of[one]]
    }


def draw(boxes: Sequence[Box], edges: Mapping[tuple[str, str], int], title: str) -> str:
    """The diagram; empty if there is nothing to connect. At most `MOST_NODES` boxes, the heaviest, and no line that
    others tell already."""
    chosen = sorted(sorted(boxes, key=lambda box: (-box.weight, box.name))[:MOST_NODES], key=lambda box: box.name)
    names = {box.name for box in chosen}
    kept = {pair: count for pair, count in sorted(edges.items()) if set(pair) <= names}
    if not kept:
        return ""
    ranks, circles = layers([box.name for box in chosen], kept)
    ranks = _ordered(ranks, kept)
    by_name = {box.name: box for box in chosen}
    widths = [max(_width(by_name[name]) for name in rank) for rank in ranks]
    tallest = max(len(rank) for rank in ranks)
    height = 2 * _MARGIN + tallest * _HEIGHT + (tallest - 1) * _GAP_Y
    place: dict[str, tuple[float, float, float]] = {}
    left = float(_MARGIN)
    for rank, width in zip(ranks, widths, strict=True):
        top = (height - len(rank) * _HEIGHT - (len(rank) - 1) * _GAP_Y) / 2
        for row, name in enumerate(rank):
            place[name] = (left, top + row * (_HEIGHT + _GAP_Y), width)
        left += width + _GAP_X
    total = left - _GAP_X + _MARGIN
    circular = {name: number for number, group in enumerate(circles) for name in group}
    most = max(kept.values())
    parts = [
        (
            f'<svg class="diagram" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total:.0f} {height:.0f}" '
            f'role="img" width="{total:.0f}" height="{height:.0f}" aria-label="{escape(title)}">'
        ),
        f"<title>{escape(title)}</title>",
        (
            '<defs><marker id="wiki:arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto-start-reverse"><path class="arrow" d="M0 0L8 4L0 8z"/></marker></defs>'
        ),
    ]
    for (one, other), count in _told(kept).items():
        mutual = one in circular and circular.get(one) == circular.get(other)
        kind = "edge cycle" if mutual else "edge"
        wide = 1 + 1.5 * count / most
        parts.append(
            f'<path class="{kind}" d="{_path(place[one], place[other])}" stroke-width="{wide:.1f}" fill="none" '
            f'marker-end="url(#wiki:arrow)"><title>{escape(one)} uses {escape(other)} ({count})</title></path>'
        )
    for box in chosen:
        x, y, width = place[box.name]
        kind = "box cycle" if box.name in circular else "box"
        shape = (
            f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_HEIGHT}" rx="6"/>'
            f'<text class="label" x="{x + width / 2:.1f}" y="{y + _HEIGHT / 2 + 4.5:.1f}" text-anchor="middle">'
            f"{escape(_label(box))}</text><title>{escape(box.name)}</title>"
        )
        parts.append(f'<a href="{escape(box.address)}">{shape}</a>' if box.address else f"<g>{shape}</g>")
    return "".join([*parts, "</svg>"])


def _label(box: Box) -> str:
    return box.label if len(box.label) <= _WIDEST else f"…{box.label[-_WIDEST + 1 :]}"


def _width(box: Box) -> float:
    return max(70.0, _CHARACTER * len(_label(box)) + 24)


def _ordered(ranks: list[list[str]], edges: Mapping[tuple[str, str], int]) -> list[list[str]]:
    """Each layer by the middle of its neighbours in the layer before, then after; four sweeps."""
    beside: dict[str, list[str]] = defaultdict(list)
    for one, other in edges:
        beside[one].append(other)
        beside[other].append(one)
    for sweep in range(4):
        forward = sweep % 2 == 0
        for place in range(1, len(ranks)) if forward else range(len(ranks) - 2, -1, -1):
            fixed = {name: row for row, name in enumerate(ranks[place - 1 if forward else place + 1])}
            rows = {name: row for row, name in enumerate(ranks[place])}

            def middle(name: str, fixed: dict[str, int] = fixed, rows: dict[str, int] = rows) -> tuple[float, str]:
                near = [fixed[other] for other in beside[name] if other in fixed]
                return (sum(near) / len(near) if near else float(rows[name]), name)

            ranks[place] = sorted(ranks[place], key=middle)
    return ranks


def _path(one: tuple[float, float, float], other: tuple[float, float, float]) -> str:
    (x1, y1, w1), (x2, y2, w2) = one, other
    middle1, middle2 = y1 + _HEIGHT / 2, y2 + _HEIGHT / 2
    if x2 > x1:
        start, end, bend = x1 + w1, x2 - 1, max(30.0, (x2 - x1 - w1) / 2)
    elif x2 < x1:
        start, end, bend = x1, x2 + w2 + 1, -max(30.0, (x1 - x2 - w2) / 2)
    else:
        start, end, bend = x1 + w1, x1 + w1 + 1, 40.0
    back = bend if x1 != x2 else -bend
    curve = f"{start + bend:.1f} {middle1:.1f} {end - back:.1f} {middle2:.1f}"
    return f"M{start:.1f} {middle1:.1f}C{curve} {end:.1f} {middle2:.1f}"
