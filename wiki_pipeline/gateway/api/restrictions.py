"""Which documents a question or research may look at, as the bodies of requests say it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from wiki_pipeline.gateway.services import Services
from wiki_pipeline.store import Filters

_MAX_VALUES = 50
_MAX_VALUE = 300

FACET = "^[a-z]+=."
FACETS = (
    "Only documents of which the source says this, as `category=open` (or `todo`, `progress`, `done`), "
    "`status=In Progress`, `assignee=Ada Lovelace`, `type=Bug`, `project=OPS`; the case does not count."
)
Value = Annotated[str, Field(max_length=_MAX_VALUE)]


class Restricted(BaseModel):
    """Restrictions of what is looked at."""

    model_config = ConfigDict(extra="forbid")

    sources: list[Value] = Field(
        default_factory=list, max_length=_MAX_VALUES, description="Only these: ids, keys or names in addresses."
    )
    kinds: list[Value] = Field(
        default_factory=list,
        max_length=_MAX_VALUES,
        description="Only `page`, `file`, `code`, `prose`, or a kind of source.",
    )
    labels: list[Value] = Field(default_factory=list, max_length=_MAX_VALUES, description="Only with any of these.")
    authors: list[Value] = Field(
        default_factory=list, max_length=_MAX_VALUES, description="Only last changed by these; part of a name will do."
    )
    languages: list[Value] = Field(
        default_factory=list, max_length=_MAX_VALUES, description="Only texts in any of these, as `de`."
    )
    facets: list[Annotated[str, Field(max_length=_MAX_VALUE, pattern=FACET)]] = Field(
        default_factory=list, max_length=_MAX_VALUES, description=f"{FACETS} Any value of one name, all names."
    )
    path_prefix: str = Field("", max_length=_MAX_VALUE, description="Only files below this path.")
    modified_from: datetime | None = Field(None, description="Only documents changed at this time or later.")
    modified_before: datetime | None = Field(None, description="Only documents changed before this time.")

    def filters(self, serving: Services) -> Filters:
        """The same for a search.

        Raises:
            SourceNotFoundError: there is no such source.
        """
        return Filters(
            sources=tuple(serving.source_named(name).key for name in self.sources),
            kinds=tuple(self.kinds),
            labels=tuple(self.labels),
            authors=tuple(self.authors),
            languages=tuple(self.languages),
            facets=tuple(self.facets),
            path_prefix=self.path_prefix,
            modified_from=self.modified_from,
            modified_before=self.modified_before,
        )
