"""Pages that not everybody may read: left out of listings and fetches with all below them, on both flavours."""

from __future__ import annotations

from typing import Any

import pytest

from wiki_pipeline.model import DocumentGone, RawPage
from wiki_pipeline_tests.sources.confluence.conftest import Opened, Site

MORE = 30  # so many pages that a listing asks the search


US = "Wiki Reader"  # the account of the credentials, which sees what is restricted to it


def opened(site: Site, **settings: Any) -> Opened:
    site.server.allow(name="us@example.org", secret="ours", user=US)
    return site.open(username="us@example.org", token="ours", **settings)


def keys(source: Opened) -> set[str]:
    return set(source.list())


@pytest.mark.parametrize("more", [0, MORE])
def test_a_restricted_page_is_left_out_with_all_below_it(site: Site, more: int) -> None:
    home = site.space.add("Home", "<p>Open.</p>")
    secret = site.space.add("Secret", "<p>Closed.</p>", parent=home)
    child = site.space.add("Child", "<p>Below.</p>", parent=secret)
    grandchild = site.space.add("Grandchild", "<p>Further below.</p>", parent=child)
    beside = [site.space.add(f"Beside {number}", "<p>Open.</p>", parent=home) for number in range(more)]
    secret.restrict(read=[US])
    source = opened(site)
    assert keys(source) == {home.id, *(page.id for page in beside)}
    assert source.source.skipped == {"with restrictions": 3}
    assert set(source.source.withheld) == {secret.id, child.id, grandchild.id}
    answers = source.fetch(home.id, secret.id, grandchild.id)
    assert isinstance(answers[home.id], RawPage)
    assert isinstance(answers[secret.id], DocumentGone)
    assert isinstance(answers[grandchild.id], DocumentGone)


def test_by_name_alone_a_restricted_page_is_answered_as_gone(site: Site) -> None:
    home = site.space.add("Home", "<p>Open.</p>")
    secret = site.space.add("Secret", "<p>Closed.</p>", parent=home)
    child = site.space.add("Child", "<p>Below.</p>", parent=secret)
    secret.restrict(read=[US])
    source = opened(site)
    assert "restricted" in source.gone(child.id)
    assert isinstance(source.fetch(home.id)[home.id], RawPage)


@pytest.mark.parametrize("more", [0, MORE])
def test_a_restriction_that_appears_or_goes_shows_in_the_next_listing_without_a_new_version(
    site: Site, more: int
) -> None:
    page = site.space.add("Page", "<p>Open.</p>")
    for number in range(more):
        site.space.add(f"Beside {number}", "<p>Open.</p>")
    source = opened(site)
    before = source.list()
    page.restrict(read=[US])
    assert page.id not in source.list()
    page.restrict()
    assert source.list() == before


def test_who_may_edit_does_not_matter_and_a_setting_takes_all_in(site: Site) -> None:
    page = site.space.add("Page", "<p>Open.</p>")
    page.restrict(update=["Somebody"])
    secret = site.space.add("Secret", "<p>Closed.</p>")
    secret.restrict(read=[US])
    assert keys(opened(site)) == {page.id}
    everything = opened(site, restricted=True)
    assert keys(everything) == {page.id, secret.id}
    assert everything.page(secret.id).title == "Secret"


def test_a_page_that_the_search_does_not_know_yet_is_asked_for_singly(site: Site) -> None:
    for number in range(MORE):
        site.space.add(f"Beside {number}", "<p>Open.</p>")
    site.server.site.index.catch_up()
    site.server.site.index.pause()
    secret = site.space.add("Secret", "<p>Closed.</p>")
    secret.restrict(read=[US])
    assert secret.id not in opened(site).list()
