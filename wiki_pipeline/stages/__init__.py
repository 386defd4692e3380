"""The stages, one short module each: what a batch of its input becomes. All commit through the store's `reconcile`."""

from wiki_pipeline.model import Stage
from wiki_pipeline.stages import (
    attachments,
    chunks,
    clean_pages,
    raw_pages,
    repository_survey,
    repository_wiki,
    vectors,
    wiki_pages,
)
from wiki_pipeline.sync.stage import DeclaredStage

STAGES: tuple[DeclaredStage, ...] = (
    raw_pages.DECLARED,
    clean_pages.DECLARED,
    attachments.DECLARED,
    chunks.DECLARED,
    vectors.DECLARED,
    wiki_pages.DECLARED,
    repository_survey.DECLARED,
    repository_wiki.DECLARED,
)
"""In the order of the flow."""

_BY_STAGE = {declared.stage: declared for declared in STAGES}


def declared(stage: Stage) -> DeclaredStage:
    """The declaration of a stage.

    Raises:
        KeyError: it has none: another version of the program made what names it.
    """
    return _BY_STAGE[stage]
