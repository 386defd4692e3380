"""What a sync did, as figures."""

from __future__ import annotations

from collections.abc import Sequence

from wiki_pipeline.model import StageReport

_COUNTS = ("added", "updated", "deleted", "failed", "commits", "embedded")


def counted(reports: Sequence[StageReport]) -> dict[str, float]:
    """The reports' sums, and of each stage its rows and seconds."""
    figures: dict[str, float] = {name: sum(getattr(report, name) for report in reports) for name in _COUNTS}
    for report in reports:
        figures[f"{report.stage}_rows"] = report.rows
        figures[f"{report.stage}_seconds"] = report.seconds
    return figures
