"""Which pages a repository has, what each is made from, and each as Markdown.

`planned` names all of them with the manifest of their inputs, which is cheap; `Plan.write` makes one, which takes
longer. Equal manifests give equal pages, so only those whose manifest changed are written again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wiki_pipeline.repository_wiki.pages import code, overview, subjects
from wiki_pipeline.repository_wiki.pages.plan import Address, Plan, Written
from wiki_pipeline.repository_wiki.structure import Repository

CODE_VERSION = "1"
"""Part of every page's fingerprint: raise it whenever the same manifest gives another page."""

__all__ = ["CODE_VERSION", "Address", "Plan", "Written", "planned"]


def planned(repository: Repository, address: Address) -> Mapping[str, Plan]:
    """All pages by id, in reading order; none of an empty repository."""
    return {plan.page_id: plan for plan in _all(repository, address)} if repository.files else {}


def _all(repository: Repository, address: Address) -> Iterator[Plan]:
    yield from overview.plans(repository, address)
    yield from subjects.plans(repository, address)
    yield from code.plans(repository, address)
