"""What a materialisation shows people: counts, links, a few rows and a picture; with its data version and checks.

Pictures are bar charts as SVG, drawn by hand since they are all that is drawn here.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import dagster as dg

from wiki_pipeline.defs.checks import checked
from wiki_pipeline.links.settings import WikiAddressSettings
from wiki_pipeline.links.wiki_addresses import source_address
from wiki_pipeline.model import SourceKey, StageReport
from wiki_pipeline.running import running
from wiki_pipeline.settings import load
from wiki_pipeline.stages import declared
from wiki_pipeline.store import StageTable
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import Sync
from wiki_pipeline.sync.stage import Bars, DeclaredStage, Histogram

_PREVIEW_ROWS = 8


def result(sync: Sync, report: StageReport, made_of: Mapping[str, str] | None = None) -> dg.MaterializeResult[None]:
    """What an asset returns: the report as metadata, the hash of the content as data version, the check's result.

    Args:
        made_of: tags that say what it was made of, where Dagster does not know.
    """
    declaration = declared(report.stage)
    return dg.MaterializeResult(
        metadata={
            **_counts(declaration, report),
            **_table(sync, report),
            **links(sync.pipeline, sync.source),
            **_preview(declaration, sync, report),
        },
        data_version=dg.DataVersion(report.data_version),
        check_results=checked(declaration, sync, report),
        tags=made_of,
    )


def _counts(declaration: DeclaredStage, report: StageReport) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "added": report.added,
        "updated": report.updated,
        "deleted": report.deleted,
        "unchanged": report.unchanged,
        "failed": report.failed,
        "commits": report.commits,
        "seconds": round(report.seconds, 3),
        "bytes": report.bytes,
        "tokens": report.tokens,
        **declaration.numbers(report),
    }
    if report.dependents:
        counts["dependents"] = dg.MetadataValue.json(list(report.dependents))
    if report.unknown_macros:
        macros = [dg.TableRecord({"macro": name, "occurs": count}) for name, count in report.unknown_macros.items()]
        counts["unknown_macros_by_name"] = dg.MetadataValue.table(macros)
    if report.warnings:
        counts["not_read"] = dg.MetadataValue.json(report.warnings)
    if report.skipped:
        counts["skipped"] = dg.MetadataValue.json(report.skipped)
    return counts


def _table(sync: Sync, report: StageReport) -> dict[str, Any]:
    """Which table holds the rows, and how many are this source's; of one that sources share also how many in all."""
    table = sync.table(report.stage)
    rows = {"dagster/partition_row_count": report.rows}
    if table.source is not None:
        rows["dagster/row_count"] = table.rows_of_all_sources()
    return {
        **rows,
        "dagster/table_name": table.name,
        "dagster/uri": table_uri(sync.pipeline.store.table_url(table.name)),
    }


def _preview(declaration: DeclaredStage, sync: Sync, report: StageReport) -> dict[str, Any]:
    """A few rows and a picture of the table; nothing where the stage found nothing to do."""
    if not report.commits:
        return {}
    table = sync.table(report.stage)
    first = next(table.batches(declaration.preview), None)
    if first is None:
        return {}
    rows = first.slice(0, _PREVIEW_ROWS).to_pylist()
    shown = [dg.TableRecord({name: _cell(value) for name, value in row.items()}) for row in rows]
    return {"preview": dg.MetadataValue.table(shown), "plot": picture(declaration.picture, table)}


def _cell(value: object) -> str | int:
    if isinstance(value, list):
        return " > ".join(str(item) for item in value)
    return value if isinstance(value, int) else "" if value is None else str(value)


def links(opened: Pipeline, source: SourceKey) -> dict[str, dg.MetadataValue[str | None]]:
    """Metadata: the source in the wiki, and upstream where that has an address.

    Raises:
        CatalogError: the catalog can't be read.
    """
    record = opened.catalog.source(source)
    upstream = record.url if record and record.url.startswith(("http:", "https:")) else ""
    return {
        "wiki": dg.MetadataValue.url(f"{_gateway()}{source_address(source)}"),
        **({"source": dg.MetadataValue.url(upstream)} if upstream else {}),
    }


def source_links(opened: Pipeline) -> Iterator[tuple[SourceKey, str]]:
    """Each source of all tenants with its address in the wiki."""
    gateway = _gateway()
    for record in (record for each in opened.each() for record in opened.catalog.sources(each.tenant)):
        yield record.key, f"{gateway}{source_address(record.key)}"


def table_uri(address: str) -> str:
    """The address of a table or of the tables' folder, without credentials; a folder's as `file:` address."""
    if "://" not in address:
        return Path(address).absolute().as_uri()
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _gateway() -> str:
    """Where `wiki-pipeline up` has the gateway now, or where the settings say."""
    settings = load(WikiAddressSettings)
    if served := running(settings.home):
        return served.gateway
    host = settings.gateway_host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.gateway_port}"


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
