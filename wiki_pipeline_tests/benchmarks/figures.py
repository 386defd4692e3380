"""A figure: one number with its unit, how it came about, and the bound it is held against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Attributes:
        name: what was measured, against what, at which size.
        value: the number.
        unit: "x" is a ratio to a peer; others stand as they are shown.
        basis: what it was computed from.
        least, most: the bound; None for both where the figure is only told.
        speed: whether it is a number of things a second to be drawn beside others.
    """

    name: str
    value: float
    unit: str
    basis: str = ""
    least: float | None = None
    most: float | None = None
    speed: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the bound is kept; None without one."""
        if self.least is not None:
            return self.value >= self.least
        return None if self.most is None else self.value <= self.most

    @property
    def margin(self) -> float | None:
        """How many times better than the bound asks, 1.0 is the bound itself; None without a bound above zero."""
        if self.least is not None:
            return self.value / self.least
        return self.most / self.value if self.most and self.value else None

    @property
    def bound(self) -> str:
        """The bound in words; empty without one."""
        if self.least is not None:
            return f"at least {shown(self.least, self.unit)}"
        return "" if self.most is None else f"at most {shown(self.most, self.unit)}"

    @property
    def shown(self) -> str:
        """The value as people read it."""
        return shown(self.value, self.unit)


def shown(value: float, unit: str) -> str:
    """A number with its unit: whole where it is large, else with as many digits as say something."""
    number = (
        f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}" if value < 10 else f"{value:.1f}"
    )
    return f"{number} {unit}".strip()
