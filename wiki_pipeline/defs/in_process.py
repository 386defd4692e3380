"""The jobs run in the caller's own process, as the command line does it: recorded in Dagster like any other run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from wiki_pipeline.catalog import Catalog, EventBatch, Origin
from wiki_pipeline.defs.resources import CLAIM_TAG
from wiki_pipeline.defs.sources import NAME, forget_tenant, publish_sources
from wiki_pipeline.errors import WikiPipelineError
from wiki_pipeline.model import ChangeHint, SourceKey
from wiki_pipeline.sync.claim import CLAIM_SECONDS
from wiki_pipeline.sync.session import Listener

_INTERRUPTED = "DagsterExecutionInterruptedError"  # what Dagster makes of a signal; it has no public name
# The caller shows what happens; Dagster's own log of the run stays in its event log.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True, slots=True)
class Run:
    """How a run ended.

    Attributes:
        error_code, error_message: of the error for people that ended it; empty if there was none.
    """

    run_id: str
    succeeded: bool
    error_code: str = ""
    error_message: str = ""


class Jobs:
    """The jobs of `definitions`, on the Dagster instance of `DAGSTER_HOME`."""

    def __init__(self, definitions: dg.Definitions) -> None:
        self._definitions = definitions
        self._instance = dg.DagsterInstance.get()

    def publish(self, catalog: Catalog, tenant: str) -> None:
        """Make the catalog's sources partitions."""
        publish_sources(self._instance, catalog, tenant)

    def forget_tenant(self, tenant: str) -> None:
        """Delete a tenant's partitions and runs."""
        forget_tenant(self._instance, tenant)

    def sync(
        self,
        catalog: Catalog,
        source: SourceKey,
        listener: Listener,
        *,
        allow_mass_deletion: bool = False,
        full: bool = False,
        since: datetime | None = None,
    ) -> Run:
        """Bring all stages of one source up to date, and return how that ended.

        Args:
            since: look only at what was changed at or after this moment, and delete nothing. What waits for the source
                goes on waiting.

        Raises:
            CatalogError: the catalog can't be used.
        """
        what = {"allow_mass_deletion": allow_mass_deletion, "full": full, "since": since.isoformat() if since else ""}
        config = {"ops": {"raw_pages": {"config": what}}}
        resources = {"listener": dg.ResourceDefinition.hardcoded_resource(listener)}
        # Recorded like any other request. Where another run works on the source already, this one finds that out later.
        asked = EventBatch(source.tenant, Origin.CLI, [ChangeHint(source.kind, source, what="wiki-pipeline sync")])
        claim = None if since else catalog.claims.begin(asked, source, CLAIM_SECONDS)
        return self._run("sync_source", source, config, resources, {CLAIM_TAG: claim.claim_id} if claim else {})

    def forget(self, source: SourceKey) -> Run:
        """Delete everything that was derived from a source, and the source; return how that ended."""
        if not self._instance.has_dynamic_partition(NAME, str(source)):
            self._instance.add_dynamic_partitions(NAME, [str(source)])
        return self._run("forget_source", source, {}, {})

    def _run(
        self,
        job: str,
        source: SourceKey,
        config: Mapping[str, object],
        resources: Mapping[str, dg.ResourceDefinition],
        tags: Mapping[str, str] | None = None,
    ) -> Run:
        result = self._definitions.resolve_job_def(job).execute_in_process(
            partition_key=str(source),
            instance=self._instance,
            run_config={**_QUIET, **config},
            resources=resources or None,
            tags=tags,
            raise_on_error=False,
        )
        return Run(result.run_id, succeeded=True) if result.success else self._failed(result.run_id)

    def _failed(self, run_id: str) -> Run:
        """The error for people that a step failed with; of a defect, where to read about it.

        Raises:
            KeyboardInterrupt: a person or the system stopped this process, and Dagster took note.
        """
        # From the event log: the result of an interrupted run does not hold its last events.
        for record in self._instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
            failure = record.get_dagster_event().step_failure_data
            if failure.error is not None and failure.error.cls_name == _INTERRUPTED:
                raise KeyboardInterrupt
            if (said := failure.user_failure_data) is not None:
                code = said.metadata.get("code")
                return Run(run_id, False, str(code.value) if code else WikiPipelineError.code, said.description or "")
        message = f"An unexpected error ended the run; Dagster's log of the run {run_id} has the details."
        return Run(run_id, False, WikiPipelineError.code, message)
