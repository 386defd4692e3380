"""What there is to see when nothing is configured: a handbook in a Confluence and a project in a Jira of our own,
and the clone itself.

The demo is rows of the catalog, marked as its own: a connection to its server, and its sources. They stay until there
are sources of a person's own; a person who adds one of them makes it theirs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from wiki_pipeline.catalog import DEMO, SourceRecord
from wiki_pipeline.model import DEFAULT_CONNECTION, Connection, SourceKey
from wiki_pipeline.sync.pipeline import Pipeline

_SPACE = "HANDBOOK"
_REPOSITORY = "wiki-pipeline"
_PROJECT = "PLAT"
_JIRA = "jira"
_CONNECTIONS = (DEFAULT_CONNECTION, _JIRA)
_OLD_RECORD = "demo.json"  # where versions before recorded which sources were the demo's


def show(pipeline: Pipeline, url: str, media: str, clone: Path | None, jira: str = "") -> None:
    """Take the demo's connection and sources into the catalog. Repeatable: its server may have another port.

    Args:
        url: root of the demo's Confluence.
        media: from where that sends files, which is another host than that of pages, as a Cloud's.
        clone: of the project, a source too; None where the program is installed without one.
        jira: root of the demo's Jira; empty: without it.
    """
    catalog, tenant = pipeline.catalog, pipeline.tenant
    # No secret and no user name: those of the settings are for a site of the user's own.
    made = Connection(tenant, "confluence", DEFAULT_CONNECTION, url, {"media_hosts": media})
    catalog.connections.add(made, DEMO)
    space = json.dumps({"url": url, "space": _SPACE, "pages": []})
    _add(pipeline, SourceKey(tenant, "confluence", _SPACE), space, DEFAULT_CONNECTION)
    if jira:
        catalog.connections.add(Connection(tenant, "jira", _JIRA, jira), DEMO)
        project = json.dumps({"url": jira, "site": jira, "project": _PROJECT, "jql": []})
        _add(pipeline, SourceKey(tenant, "jira", _PROJECT), project, _JIRA)
    if clone is not None:
        repository = json.dumps({"url": str(clone), "name": _REPOSITORY})
        _add(pipeline, SourceKey(tenant, "git", _REPOSITORY), repository, "")


def _add(pipeline: Pipeline, key: SourceKey, config: str, connection: str) -> None:
    known = pipeline.catalog.source(key)
    title, url = (known.title, known.url) if known else ("", "")
    pipeline.catalog.add_source(key, config, title, url, connection, DEMO)


def withdraw(pipeline: Pipeline) -> None:
    """Take the demo's connections out of the catalog, once its sources are gone."""
    tenant = pipeline.tenant
    for name in _CONNECTIONS:
        found = pipeline.catalog.connections.get(tenant, name)
        if found is not None and found.managed_by == DEMO:
            pipeline.catalog.connections.remove(tenant, name)


def of_the_demo(records: Iterable[SourceRecord]) -> set[SourceKey]:
    """Those of the sources that were made for the demo, and that no person added since."""
    return {record.key for record in records if record.managed_by == DEMO}


def served_by_demo(pipeline: Pipeline) -> set[SourceKey]:
    """The sources that can be read only while the demo's servers run."""
    tenant = pipeline.tenant
    found = (pipeline.catalog.connections.get(tenant, name) for name in _CONNECTIONS)
    served = [each.connection for each in found if each is not None and each.managed_by == DEMO]
    of_servers = (record for record in pipeline.catalog.sources(tenant) if record.key.kind in {"confluence", "jira"})
    return of_the_demo(of_servers).union(*(pipeline.opened_by(connection) for connection in served))


def mark_old(pipeline: Pipeline) -> None:
    """Mark the sources that a version before this one made for its demo, as its file says; then the file goes."""
    file = pipeline.settings.home / _OLD_RECORD
    try:
        made = {each["source"]: each["config"] for each in json.loads(file.read_text(encoding="utf-8"))}
    except (OSError, ValueError, TypeError, KeyError):
        return
    for record in pipeline.catalog.sources(pipeline.tenant):
        if made.get(str(record.key)) == record.config:
            pipeline.catalog.add_source(record.key, record.config, record.title, record.url, managed_by=DEMO)
    file.unlink(missing_ok=True)
