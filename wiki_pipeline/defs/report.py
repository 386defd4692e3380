"""What a materialisation shows people: counts, links, a few rows and a picture; with its data version and checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import dagster as dg

from wiki_pipeline.defs.checks import checked
from wiki_pipeline.defs.pictures import picture
from wiki_pipeline.links.settings import WikiAddressSettings
from wiki_pipeline.links.wiki_addresses import source_address
from wiki_pipeline.model import SourceKey, StageReport
from wiki_pipeline.running import running
from wiki_pipeline.settings import load
from wiki_pipeline.stages import declared
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import Sync
from wiki_pipeline.sync.stage import DeclaredStage

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
        **{name: report.count(name) for name in declaration.counts},
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
    """Each source of the tenant with its address in the wiki."""
    gateway = _gateway()
    for record in opened.catalog.sources(opened.settings.tenant):
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
