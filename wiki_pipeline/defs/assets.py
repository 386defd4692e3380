"""The stages as assets, in the order of the flow, and what is stale in them. Each runs its stage for one source."""

from collections.abc import Callable, Sequence

import dagster as dg
from pydantic import Field

from wiki_pipeline import stages
from wiki_pipeline.catalog import SyncMode
from wiki_pipeline.defs import stale
from wiki_pipeline.defs.checks import specs
from wiki_pipeline.defs.report import result
from wiki_pipeline.defs.resources import PipelineResource, people_can_read_errors
from wiki_pipeline.defs.sources import served, sources, sources_upstream
from wiki_pipeline.sync.session import Listener
from wiki_pipeline.sync.since import read_since
from wiki_pipeline.sync.stage import DeclaredStage


class SyncConfig(dg.Config):
    """What to bring up to date, where it is not simply everything.

    Attributes:
        documents: ids of the documents to look at; empty: list the whole source.
        allow_mass_deletion: go on although a complete listing would drop more than half of the source.
        full: fetch every document, also where its version key is the one that is known.
        since: look only at what was changed at or after this moment (ISO 8601, with its offset), and delete nothing.
    """

    documents: list[str] = Field(default_factory=list)
    allow_mass_deletion: bool = False
    full: bool = False
    since: str = ""


def stage_asset(
    declared: DeclaredStage,
    description: str,
    *,
    kinds: set[str],
    deps: Sequence[dg.AssetsDefinition | dg.AssetSpec] = (),
) -> Callable[[Callable[..., dg.MaterializeResult]], dg.AssetsDefinition]:
    """What the assets have in common: a partition a source, one run a source, checks of its documents."""
    return dg.asset(
        name=str(declared.stage),
        code_version=declared.code_version,
        description=description,
        group_name="pipeline",  # one group: more would be folded up when the graph is opened
        kinds={"lancedb", *kinds},
        deps=deps,
        partitions_def=sources,
        # A backfill holds to the one-writer limit that way, which goes by the run's partition tag.
        backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=1),
        check_specs=specs(declared),
    )


@stage_asset(
    stages.raw_pages.DECLARED,
    "Documents as the source gave them: one row a page or file, with its version key.",
    deps=[sources_upstream],
    kinds=set(),  # `sources_upstream` before it shows from where
)
def raw_pages(
    context: dg.AssetExecutionContext,
    config: SyncConfig,
    pipeline: PipelineResource,
    listener: dg.ResourceParam[Listener],
) -> dg.MaterializeResult:
    partly = bool(config.documents or config.since) and not config.full
    mode = SyncMode.INCREMENTAL if partly else SyncMode.FULL
    with pipeline.syncing(context, listener, mode) as sync:
        report = stages.raw_pages.update(
            sync,
            config.documents,
            allow_mass_deletion=config.allow_mass_deletion,
            full=config.full,
            since=read_since(config.since) if config.since else None,
        )
        return result(sync, report, served(context, sync))


@stage_asset(
    stages.clean_pages.DECLARED,
    "Documents as Markdown, with headings, links and dependencies.",
    deps=[raw_pages],
    kinds={"markdown"},
)
def clean_pages(
    context: dg.AssetExecutionContext, pipeline: PipelineResource, listener: dg.ResourceParam[Listener]
) -> dg.MaterializeResult:
    with pipeline.syncing(context, listener) as sync:
        return result(sync, stages.clean_pages.update(sync))


@stage_asset(
    stages.attachments.DECLARED,
    "Pictures and files that pages show, mirrored, with the text of PDF and Word files and drawings.",
    deps=[clean_pages],
    kinds={"png", "pdf"},
)
def attachments(
    context: dg.AssetExecutionContext, pipeline: PipelineResource, listener: dg.ResourceParam[Listener]
) -> dg.MaterializeResult:
    with pipeline.syncing(context, listener) as sync:
        return result(sync, stages.attachments.update(sync))


@stage_asset(
    stages.chunks.DECLARED,
    "Chunks of about 400 tokens along headings and syntax, with their place in the document.",
    deps=[clean_pages, attachments],
    kinds={"text"},
)
def chunks(
    context: dg.AssetExecutionContext, pipeline: PipelineResource, listener: dg.ResourceParam[Listener]
) -> dg.MaterializeResult:
    with pipeline.syncing(context, listener) as sync:
        return result(sync, stages.chunks.update(sync))


@stage_asset(
    stages.vectors.DECLARED,
    "The table that search reads: text, search text, vector and full-text index; one for all of a tenant's sources.",
    deps=[chunks],
    kinds={"embeddings"},
)
def vectors(
    context: dg.AssetExecutionContext, pipeline: PipelineResource, listener: dg.ResourceParam[Listener]
) -> dg.MaterializeResult:
    with pipeline.syncing(context, listener) as sync:
        return result(sync, stages.vectors.update(sync))


@stage_asset(
    stages.wiki_pages.DECLARED,
    "Rendered pages of the wiki: sanitised HTML and Markdown, links resolved.",
    deps=[clean_pages, attachments],
    kinds={"html"},
)
def wiki_pages(
    context: dg.AssetExecutionContext, pipeline: PipelineResource, listener: dg.ResourceParam[Listener]
) -> dg.MaterializeResult:
    with pipeline.syncing(context, listener) as sync:
        return result(sync, stages.wiki_pages.update(sync))


@stage_asset(
    stages.repository_survey.DECLARED,
    "What is in a repository's files: definitions, imports, commands, settings, models; and its last commits. Wikis "
    "have no rows here.",
    deps=[raw_pages],
    kinds={"sourcecode"},
)
def repository_survey(
    context: dg.AssetExecutionContext, pipeline: PipelineResource, listener: dg.ResourceParam[Listener]
) -> dg.MaterializeResult:
    with pipeline.syncing(context, listener) as sync:
        return result(sync, stages.repository_survey.update(sync))


@stage_asset(
    stages.repository_wiki.DECLARED,
    "Pages of a repository beside its files: overview, architecture, packages, modules, interfaces, settings, history.",
    deps=[repository_survey],
    kinds={"html"},
)
def repository_wiki(
    context: dg.AssetExecutionContext, pipeline: PipelineResource, listener: dg.ResourceParam[Listener]
) -> dg.MaterializeResult:
    with pipeline.syncing(context, listener) as sync:
        return result(sync, stages.repository_wiki.update(sync))


@dg.asset(
    key=stale.KEY,
    code_version=stale.CODE_VERSION,
    group_name="pipeline",
    kinds={"table"},
    deps=stale.COMPARED,
    description="Every document that is served behind its source: why, since when, and which versions. Refreshed at "
    "the end of each sync, after each poll, and every few minutes by the sensor freshness_report; its numbers are "
    "plotted over time (Plots).",
    check_specs=[stale.check_spec],
)
def stale_documents(pipeline: PipelineResource) -> dg.MaterializeResult:
    with people_can_read_errors():
        return stale.result(pipeline.pipeline())
