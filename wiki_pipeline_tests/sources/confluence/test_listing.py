"""A listing is complete, or an error; equal version keys mean that nothing changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from wiki_pipeline.demo.confluence import ConfluenceServer, Content, Limits, faults
from wiki_pipeline.demo.faults import Effect
from wiki_pipeline.demo.web import Answer, Request
from wiki_pipeline.errors import IncompleteListingError, SourceError, SourceUnreachableError
from wiki_pipeline.model import DocumentRef
from wiki_pipeline_tests.sources.confluence.conftest import Open, Site


def fill(site: Site, count: int) -> list[Content]:
    """Pages in the space, each below the one before up to four deep."""
    pages: list[Content] = []
    for number in range(count):
        parent = pages[-1] if number % 4 else None
        pages.append(site.space.add(f"Page {number}", f"<p>{number}</p>", parent=parent))
    return pages


def ids(pages: list[Content]) -> set[str]:
    return {page.id for page in pages}


# --- what is listed ----------------------------------------------------------------------------------------------


def test_all_current_pages_are_listed_and_no_others(site: Site) -> None:
    pages = fill(site, 30)
    for page, status in zip(pages[3:30:4], ("trashed", "archived", "draft"), strict=False):
        page.status = status
    site.space.add("A blog post", type="blogpost")
    site.server.space("OTHER").add("Elsewhere")
    assert site.open().list().keys() == {page.id for page in pages if page.status == "current"}


def test_only_current_pages_are_asked_for_and_others_are_left_out_all_the_same(site: Site) -> None:
    kept, archived = site.space.add("Kept"), site.space.add("Archived")
    archived.archive()
    source = site.open()
    assert source.list().keys() == {kept.id}
    assert source.source.skipped == {}

    def give_all(request: Request) -> None:
        statuses = "current,archived" if site.api == "v2" else "any"
        request.query = [(name, statuses if name == "status" else value) for name, value in request.query]

    site.server.fault(site.listing, Effect(bend=give_all), times=None)
    assert source.list().keys() == {kept.id}
    assert source.source.skipped == {"archived": 1}


def test_a_page_comes_back_from_trash_and_archive(site: Site) -> None:
    page = site.space.add("Here")
    source = site.open()
    before = source.list()
    page.trash()
    assert source.list() == {}
    page.restore()
    assert source.list() == before


def test_the_same_title_in_the_trash_is_another_page(site: Site) -> None:
    site.space.add("Plan").trash()
    new = site.space.add("Plan")
    assert site.open().list().keys() == {new.id}


def test_an_empty_space_has_an_empty_listing(site: Site) -> None:
    assert site.open().list() == {}


def test_a_listing_can_be_read_again_and_again(site: Site) -> None:
    fill(site, 5)
    source = site.open()
    assert source.list() == source.list() == site.open().list()


# --- paging ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 6, 7, 8, 20, 21, 50])
def test_a_short_page_is_not_the_last_page(site: Site, count: int) -> None:
    pages = fill(site, count)
    site.server.fault("*", faults.capped(7), times=None)
    assert site.open(list_limit=20).list().keys() == ids(pages)


@pytest.mark.parametrize("cap", [1, 2, 7])
def test_a_missing_next_link_does_not_end_a_listing(site: Site, cap: int) -> None:
    pages = fill(site, 25)
    site.server.fault("*", faults.capped(cap), times=None)
    site.server.fault("*", faults.missing_next(), times=None)
    assert site.open().list().keys() == ids(pages)


def test_next_links_that_never_end_do_not_go_on_for_ever(site: Site) -> None:
    pages = fill(site, 25)
    site.server.fault("*", faults.endless_next(), times=None)
    assert site.open(list_limit=10, restricted=True).list().keys() == ids(pages)
    assert len(site.server.requests) < (25 if site.api == "v1" else 130)  # of labels nothing shows from either end


def test_an_empty_page_in_the_middle_is_not_taken_for_the_end(site: Site) -> None:
    pages = fill(site, 60)
    site.server.fault(site.listing, faults.empty_results(), after=2)
    assert site.open(list_limit=10, max_concurrency=1).list().keys() == ids(pages)


def test_pages_deleted_while_the_space_is_listed_hide_no_other(site: Site) -> None:
    pages = fill(site, 60)
    victims = [page for page in pages if not page.children][:3]

    def delete_one(_: Request) -> None:
        if victims:
            victims.pop(0).trash()

    site.server.fault(site.listing, Effect(bend=delete_one), after=2, times=None)
    found = site.open(list_limit=10, max_concurrency=1).list().keys()
    assert found >= {page.id for page in pages if page.status == "current"}


@pytest.fixture(scope="module", params=[("cloud", "v2"), ("cloud", "v1"), ("datacenter", "v1")], ids="-".join)
def drawn(request: pytest.FixtureRequest) -> Iterator[tuple[ConfluenceServer, str]]:
    """One server of each flavour for all drawn spaces, with the API to use."""
    flavour, api = request.param
    with ConfluenceServer(flavour) as server:
        yield server, api
        assert server.violations == []


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    stretches=st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=5),
    cap=st.integers(3, 12),
    filters_first=st.booleans(),
    is_endless=st.booleans(),
    going=st.integers(0, 2),
)
def test_whatever_a_server_does_all_pages_that_may_be_seen_are_listed(
    drawn: tuple[ConfluenceServer, str],
    open_source: Open,
    stretches: list[tuple[int, bool]],
    cap: int,
    filters_first: bool,
    is_endless: bool,
    going: int,
) -> None:
    server, api = drawn
    server.heal()
    space = server.space(f"S{len(server.site.spaces)}")
    shows = [visible for length, visible in stretches for _ in range(length)]
    pages = [space.add(f"{'Page' if visible else 'Hidden'} {n}") for n, visible in enumerate(shows)]
    visible = [page for page, shown in zip(pages, shows, strict=True) if shown]
    assume(len(visible) > going or not is_endless)  # where nothing shows, nothing proves the end
    for page, shown in zip(pages, shows, strict=True):
        if filters_first and not shown:
            page.archive()
    listing = "*/spaces/*/pages*" if api == "v2" else "*/content[?]spaceKey*"
    server.fault("*", faults.capped(cap), times=None)
    server.fault(listing, faults.hidden_after_the_cut("Hidden"), times=None)
    if is_endless:
        server.fault(listing, faults.endless_next(), times=None)
        server.fault("*/rest/api/search*", _counted(visible), times=None)
    victims = visible[:going]
    server.fault(listing, Effect(bend=lambda _: victims.pop().trash() if victims else None), after=1, times=None)
    found = open_source(server.url, space.key, api=api, list_limit=10).list().keys()
    assert found >= {page.id for page in visible if page.status == "current"}
    assert found <= {page.id for page in visible}


def _counted(pages: list[Content]) -> Effect:
    """The search's count, without the pages that are gone."""

    def answer() -> Answer:
        total = sum(page.status == "current" for page in pages)
        return Answer(200, orjson.dumps({"results": [], "totalSize": total, "_links": {}}))

    return Effect(instead=answer)


def test_large_spaces_are_listed_with_several_requests_under_way(site: Site) -> None:
    pages = fill(site, 120)
    assert site.open(list_limit=10).list().keys() == ids(pages)
    assert len([request for request in site.server.requests if not request.path.endswith("labels")]) < 30


def test_a_listing_that_does_not_end_is_given_up(site: Site) -> None:
    fill(site, 40)
    with pytest.raises(IncompleteListingError, match="after 3 requests"):
        site.open(list_limit=5, max_list_requests=3).list()


def test_a_server_that_gives_the_first_page_again_and_again_is_noticed(site: Site) -> None:
    fill(site, 40)

    def forget_place(request: Request) -> None:
        request.query = [(name, value) for name, value in request.query if name not in {"start", "cursor"}]

    site.server.fault(site.listing, Effect(bend=forget_place), times=None)
    with pytest.raises(IncompleteListingError):
        site.open(list_limit=10).list()


def test_a_listing_that_keeps_shifting_is_given_up(confluence_datacenter: ConfluenceServer, open_source: Open) -> None:
    space = confluence_datacenter.space("ENG")
    pages = [space.add(f"Page {number}") for number in range(400)]

    def delete_one(_: Request) -> None:
        pages.pop(0).purge()

    confluence_datacenter.fault("*/content?*", Effect(bend=delete_one), times=None)
    with pytest.raises(IncompleteListingError, match="changed while"):
        open_source(confluence_datacenter.url, list_limit=10, max_concurrency=1).list()


def _rewrite_next(address: str) -> Effect:
    """Put the path and query of the next link into another address."""

    def spoil(answer: Answer) -> None:
        data = orjson.loads(answer.body)
        link = data.get("_links", {}).get("next")
        if link:
            data["_links"]["next"] = address.format(link=link)
            answer.headers.pop("Link", None)
        answer.body = orjson.dumps(data)

    return Effect(spoil=spoil)


@pytest.mark.parametrize("address", ["/wiki{link}", "https://internal.example:8443{link}", "http://[broken{link}"])
def test_next_links_with_a_wrong_host_or_a_doubled_path_are_joined_right(site: Site, address: str) -> None:
    if address.startswith("http://[") and site.api == "v2":
        pytest.skip("a cursor in an address that can't be read is lost")
    pages = fill(site, 40)
    site.server.fault("*", _rewrite_next(address), times=None)
    assert site.open(list_limit=10).list().keys() == ids(pages)


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_the_gateway_prefix_is_kept_from_page_to_page(
    confluence_cloud: ConfluenceServer, open_source: Open, api: str
) -> None:
    space = confluence_cloud.space("ENG")
    pages = [space.add(f"Page {number}") for number in range(30)]
    confluence_cloud.allow(name="me@example.org", secret="scoped-token", scoped=True)
    source = open_source(
        confluence_cloud.gateway_url, api=api, username="me@example.org", token="scoped-token", list_limit=10
    )
    assert source.list().keys() == ids(pages)
    assert source.page(pages[7].id).url == f"{confluence_cloud.url}/spaces/ENG/pages/{pages[7].id}/Page+7"


def test_a_lost_link_to_the_next_page_does_not_look_like_the_end(
    confluence_cloud: ConfluenceServer, open_source: Open
) -> None:
    space = confluence_cloud.space("ENG")
    for number in range(30):
        space.add(f"Page {number}")

    def lose(answer: Answer) -> None:
        data = orjson.loads(answer.body)
        data["_links"].pop("next", None)
        answer.headers.pop("Link", None)
        answer.body = orjson.dumps(data)

    confluence_cloud.fault("*/spaces/*/pages*", Effect(spoil=lose), times=None)
    with pytest.raises(IncompleteListingError, match="nothing proves"):
        open_source(confluence_cloud.url, api="v2", list_limit=10).list()


def test_pages_that_come_and_go_while_the_space_is_listed_are_no_alarm(
    confluence_cloud: ConfluenceServer, open_source: Open
) -> None:
    space = confluence_cloud.space("ENG")
    pages = [space.add(f"Page {number}") for number in range(40)]
    going = [pages[0], pages[20], pages[39]]

    def meddle(_: Request) -> None:
        space.add("New")
        if going:
            going.pop().trash()

    confluence_cloud.fault("*/spaces/*/pages*", Effect(bend=meddle), times=None)
    found = open_source(confluence_cloud.url, api="v2", list_limit=7).list().keys()
    assert found >= {page.id for page in pages if page.status == "current"}


@pytest.mark.parametrize("order", [None, "title", "-title"])
def test_a_server_that_does_not_sort_as_asked_is_read_to_its_end(
    confluence_cloud: ConfluenceServer, open_source: Open, order: str | None
) -> None:
    space = confluence_cloud.space("ENG")
    pages = [space.add(f"Page {number * 7 % 40:02}") for number in range(40)]

    def sort_otherwise(request: Request) -> None:
        request.query = [(name, value) for name, value in request.query if name != "sort"]
        request.query += [("sort", order)] if order else []

    confluence_cloud.fault("*/spaces/*/pages*", Effect(bend=sort_otherwise), times=None)
    assert open_source(confluence_cloud.url, api="v2", list_limit=7).list().keys() == ids(pages)


def test_a_large_space_is_read_from_both_ends_at_once(confluence_cloud: ConfluenceServer, open_source: Open) -> None:
    space = confluence_cloud.space("ENG")
    pages = [space.add(f"Page {number}") for number in range(95)]
    assert open_source(confluence_cloud.url, api="v2", list_limit=10).list().keys() == ids(pages)
    sorts = [request.get("sort") for request in confluence_cloud.requests if request.path.endswith("/pages")]
    assert sorts.count("id") == sorts.count("-id") == 5


# --- trouble -----------------------------------------------------------------------------------------------------


def test_nothing_is_yielded_of_a_listing_that_fails_half_way(site: Site) -> None:
    fill(site, 40)
    site.server.fault(site.listing, faults.status(500, "{}"), after=3, times=None)
    source = site.open(list_limit=10, max_concurrency=1)

    yielded: list[DocumentRef] = []

    async def read() -> None:
        async for portion in source.source.list_documents():
            yielded.extend(portion)

    with pytest.raises(SourceError):
        source.run(read())
    assert yielded == []


def test_a_rate_limit_that_outlasts_its_tries_is_a_failure_not_a_short_listing(site: Site) -> None:
    fill(site, 40)
    site.server.fault(site.listing, faults.rate_limited(), after=2, times=None)
    with pytest.raises(SourceUnreachableError, match="429"):
        site.open(list_limit=10, max_concurrency=1).list()


def test_passing_trouble_changes_nothing(site: Site) -> None:
    pages = fill(site, 60)
    expected = site.open(list_limit=10).list()
    site.server.fault("*", faults.rate_limited(retry_after=2), times=None, probability=0.2, seed=1)
    site.server.fault("*", faults.dropped(), times=None, probability=0.1, seed=2)
    site.server.fault("*", faults.status(503), times=None, probability=0.1, seed=3)
    source = site.open(list_limit=10, tries=20)
    assert source.list() == expected
    assert {answer.document_id for answer in source.fetch(*ids(pages)).values()} == ids(pages)
    assert source.waits.seconds


# --- version keys ------------------------------------------------------------------------------------------------


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    assert before.keys() == after.keys()
    return {page_id for page_id in before if before[page_id] != after[page_id]}


def test_what_bumps_no_version_changes_the_version_key_all_the_same(site: Site) -> None:
    root, other = site.space.add("Root", position=0), site.space.add("Other", position=1)
    page = site.space.add("Page", parent=root, position=0, labels=["old"])
    below = site.space.add("Below", parent=page, position=0)
    source = site.open()
    keys = source.list()
    steps: list[tuple[Callable[[], object], set[str]]] = [
        (lambda: page.label("urgent"), {page.id}),
        (lambda: page.unlabel("old"), {page.id}),
        (lambda: page.move(other, position=0), {page.id, below.id}),
        (lambda: page.move(other, position=7), {page.id}),
        (lambda: other.rename("Renamed"), {other.id, page.id, below.id}),
        (lambda: setattr(site.space, "name", "New name"), {root.id, other.id, page.id, below.id}),
    ]
    for step, affected in steps:
        step()
        source = site.open()
        now = source.list()
        assert changed(keys, now) == affected
        keys = now


def test_an_edit_changes_the_version_key_of_its_page_alone(site: Site) -> None:
    pages = fill(site, 12)
    before = site.open().list()
    pages[0].edit("<p>new</p>")
    assert changed(before, site.open().list()) == {pages[0].id}


def test_a_site_restored_from_a_backup_is_noticed(site: Site) -> None:
    page = site.space.add("Page")
    page.edit("<p>edit that the backup does not have</p>", when=datetime(2024, 5, 1, tzinfo=UTC))
    before = site.open().list()
    page.versions.pop()
    page.edit("<p>another edit with the same number</p>", when=datetime(2024, 5, 3, tzinfo=UTC))
    assert changed(before, site.open().list()) == {page.id}


def test_keys_do_not_depend_on_the_server_s_time_zone(open_source: Open) -> None:
    keys = []
    for zone in (UTC, timezone(timedelta(hours=5, minutes=30))):
        with ConfluenceServer("datacenter", server_zone=zone) as server:
            server.space("ENG").add("Page", id="77", when=datetime(2024, 3, 31, 1, 30, tzinfo=UTC))
            keys.append(open_source(server.url).list())
    assert keys[0] == keys[1]


# --- labels and the tree -----------------------------------------------------------------------------------------


def test_long_lists_of_labels_are_read_to_their_end(open_source: Open) -> None:
    names = [f"label-{number:02}" for number in range(11)]
    with ConfluenceServer("datacenter", limits=Limits(nested=3)) as server:
        page = server.space("ENG").add("Page", labels=names)
        source = open_source(server.url)
        keys = source.list()
        row = source.page(page.id)
    assert row.labels == tuple(names)
    assert row.version_key == keys[page.id]


def _without_next(labels: dict[str, object]) -> None:
    labels["_links"] = {}


def _with_a_higher_limit(labels: dict[str, object]) -> None:
    labels["limit"] = 200


@pytest.mark.parametrize("change", [_without_next, _with_a_higher_limit])
def test_either_sign_that_labels_go_on_is_enough(
    open_source: Open, change: Callable[[dict[str, object]], None]
) -> None:
    def spoil(answer: Answer) -> None:
        data = orjson.loads(answer.body)
        for item in data["results"]:
            change(item["metadata"]["labels"])
        answer.body = orjson.dumps(data)

    with ConfluenceServer("datacenter", limits=Limits(nested=3)) as server:
        server.space("ENG").add("Page", labels=[f"label-{number}" for number in range(7)])
        expected = open_source(server.url).list()
        fault = server.fault("*/content[?]spaceKey*", Effect(spoil=spoil), times=None)
        assert open_source(server.url).list() == expected
        assert fault.struck


def test_requests_for_labels_grow_with_the_labels_not_with_the_pages(
    confluence_cloud: ConfluenceServer, open_source: Open
) -> None:
    space = confluence_cloud.space("ENG")
    for number in range(400):
        space.add(f"Page {number}", labels=["even" if number % 2 == 0 else "odd"])
    source = open_source(confluence_cloud.url)
    source.list()
    assert len(confluence_cloud.requests) <= 8
    row = source.page(next(iter(space.contents)))
    assert row.labels == ("even",)


@pytest.mark.parametrize("kind", ["folder", "whiteboard", "database", "embed"])
def test_folders_and_the_like_do_not_orphan_the_pages_below_them(site: Site, kind: str) -> None:
    root = site.space.add("Root")
    outer = site.space.add("Outer", type=kind, parent=root)
    inner = site.space.add("Inner", type=kind, parent=outer)
    page = site.space.add("Page", parent=inner)
    lone = site.space.add("Lone", parent=site.space.add("At the root", type=kind))
    source = site.open()
    keys = source.list()
    assert keys.keys() == {root.id, page.id, lone.id}
    for reader in (source, site.open()):
        row = reader.page(page.id)
        assert row.parent_id == root.id
        assert [ancestor.title for ancestor in row.ancestors] == ["Root", "Outer", "Inner"]
        assert row.version_key == keys[page.id]
        assert reader.page(lone.id).parent_id is None
    inner.rename("Renamed")
    assert changed(keys, site.open().list()) == {page.id}


def test_a_page_below_an_archived_one_hangs_below_the_next_page_above(site: Site) -> None:
    root = site.space.add("Root")
    middle = site.space.add("Middle", parent=root)
    page = site.space.add("Page", parent=middle)
    middle.archive()
    source = site.open()
    assert source.list().keys() == {root.id, page.id}
    assert source.page(page.id).parent_id == root.id
