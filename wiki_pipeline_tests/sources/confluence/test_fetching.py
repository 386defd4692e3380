"""Each id gets exactly one answer, whatever happens to its page, its batch or the site."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime, timedelta, timezone

import httpx
import orjson
import pytest

from wiki_pipeline.demo.confluence import ConfluenceServer, Content, faults
from wiki_pipeline.demo.faults import Effect
from wiki_pipeline.demo.web import Answer, Request
from wiki_pipeline.errors import AccessDeniedError, SourceNotFoundError, SourceUnreachableError
from wiki_pipeline.model import DocumentFailure, RawPage, Stage
from wiki_pipeline.sources.protocol import Fetched
from wiki_pipeline_tests.sources.confluence.conftest import Open, Opened, Site

STORAGE = "application/vnd.atlassian.confluence.storage+xml"


def fill(site: Site, count: int, size: int = 0) -> list[Content]:
    return [site.space.add(f"Page {number}", f"<p>{number}</p>" + "x" * size) for number in range(count)]


def bodies(answers: dict[str, Fetched]) -> dict[str, str]:
    return {page_id: answer.body for page_id, answer in answers.items() if isinstance(answer, RawPage)}


def body_requests(site: Site) -> list[str]:
    """Paths of the requests that asked for bodies."""
    return [
        request.path
        for request in site.server.requests
        if request.get("body-format") or "body." in (request.get("expand") or "")
    ]


# --- rows --------------------------------------------------------------------------------------------------------


def test_a_page_brings_all_that_its_row_needs(site: Site) -> None:
    created = datetime(2024, 3, 1, 9, 30, tzinfo=UTC)
    root = site.space.add("Root")
    above = site.space.add("Above", parent=root)
    page = site.space.add(
        "Run & book", "<p>one</p>", parent=above, labels=["b", "a"], author="Ada Lovelace", when=created, position=3
    )
    page.edit("<p>two</p>", author="Grace Hopper", when=created + timedelta(days=2))
    row = site.open().page(page.id)
    assert (row.title, row.body, row.media_type, row.notes) == ("Run & book", "<p>two</p>", STORAGE, ())
    assert (row.parent_id, [item.title for item in row.ancestors]) == (above.id, ["Root", "Above"])
    assert (row.position, row.labels, row.version, row.author) == (3, ("a", "b"), "2", "Grace Hopper")
    assert (row.space_key, row.space_name, row.path) == ("ENG", "Engineering", "")
    assert (row.created_at, row.modified_at) == (created, created + timedelta(days=2))
    assert row.url.startswith(f"{site.server.url}/")
    assert "/wiki/wiki" not in row.url


def test_the_address_of_a_row_opens_the_page(site: Site) -> None:
    for title in ("Plain", "Überschrift: was/nun? 100%", "日本語"):
        page = site.space.add(title)
        row = site.open().page(page.id)
        answer = httpx.get(row.url)
        assert answer.status_code == 200
        assert f'content="{page.id}"' in answer.text


@pytest.mark.parametrize(
    "title", ["🚀 Launch", "a/b\\c", "مرحبا بالعالم", "x" * 255, "<b>&amp;</b>", '"quoted"', "tab\there", "  padded  "]
)
def test_titles_come_as_they_are(site: Site, title: str) -> None:
    page = site.space.add(title)
    below = site.space.add("Below", parent=page)
    source = site.open()
    keys = source.list()
    assert source.page(page.id).title == title
    row = source.page(below.id)
    assert [item.title for item in row.ancestors] == [title]
    assert row.version_key == keys[below.id]


def test_pages_with_the_same_title_stay_apart(site: Site) -> None:
    one, two = site.space.add("Same", "<p>1</p>"), site.space.add("Same", "<p>2</p>")
    assert bodies(site.open().fetch(one.id, two.id)) == {one.id: "<p>1</p>", two.id: "<p>2</p>"}


def test_times_are_in_utc_whatever_zone_the_server_writes(open_source: Open) -> None:
    moment = datetime(2024, 10, 27, 0, 30, tzinfo=UTC)
    with ConfluenceServer("datacenter", server_zone=timezone(timedelta(hours=-7))) as server:
        page = server.space("ENG").add("Page", when=moment)
        row = open_source(server.url).page(page.id)
    assert row.modified_at is not None
    assert (row.modified_at, row.modified_at.utcoffset()) == (moment, timedelta(0))


@pytest.mark.parametrize("context", ["", "/confluence", "/a/b"])
def test_context_paths_are_part_of_the_address_once(open_source: Open, context: str) -> None:
    with ConfluenceServer("datacenter", context=context) as server:
        page = server.space("ENG").add("Page")
        source = open_source(server.url)
        assert source.list().keys() == {page.id}
        assert source.page(page.id).url == f"{server.origin}{context}/display/ENG/Page"
        assert source.describe().url == f"{server.origin}{context}/display/ENG"
        assert server.violations == []


# --- ways of fetching --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("desired", [1, 2, 3, 40, 119, 120])
def test_whatever_is_wanted_after_a_listing_is_brought_as_listed(site: Site, desired: int) -> None:
    pages = fill(site, 120)
    source = site.open(body_limit=25)
    keys = source.list()
    ids = [page.id for page in pages][::-1][:desired]
    answers = source.fetch(*ids)
    assert {page_id: answer.version_key for page_id, answer in answers.items() if isinstance(answer, RawPage)} == {
        page_id: keys[page_id] for page_id in ids
    }


def test_many_pages_come_in_few_requests(site: Site) -> None:
    pages = fill(site, 300)
    source = site.open()
    source.list()
    assert len(bodies(source.fetch(*(page.id for page in pages)))) == 300
    assert len(body_requests(site)) <= 6  # v1 gives at most 50 bodies at once


def test_scattered_pages_do_not_bring_the_pages_between_them(site: Site) -> None:
    pages = fill(site, 300)
    source = site.open()
    source.list()
    desired = {page.id: page.body for page in pages[::60]}
    assert bodies(source.fetch(*desired)) == desired
    assert len(body_requests(site)) <= len(desired)


def test_a_server_that_gives_fewer_bodies_at_a_time_is_asked_again(site: Site) -> None:
    pages = fill(site, 90)
    source = site.open()
    source.list()
    site.server.fault("*", faults.capped(20), times=None)
    assert len(bodies(source.fetch(*(page.id for page in pages)))) == 90
    assert len(body_requests(site)) <= 9


def test_an_event_s_page_comes_without_a_listing_and_with_the_listing_s_key(site: Site) -> None:
    root = site.space.add("Root", labels=["x"])
    page = site.space.add("Page", parent=root, labels=["y", "x"])
    assert site.open().page(page.id).version_key == site.open().list()[page.id]


def test_ids_asked_for_twice_are_answered_once(site: Site) -> None:
    page = site.space.add("Page")

    async def read(source: Opened) -> list[Fetched]:
        return [answer async for portion in source.source.fetch([page.id, page.id]) for answer in portion]

    source = site.open()
    assert len(source.run(read(source))) == 1


def test_ids_that_are_no_page_ids_never_reach_the_server(site: Site) -> None:
    answers = site.open().fetch("../../admin", "1?expand=x", "", "98487%2F..")
    assert len(answers) == 4
    assert site.server.requests == []


def test_pages_that_changed_since_the_listing_come_as_they_are_now(site: Site) -> None:
    pages = fill(site, 30)
    source = site.open()
    keys = source.list()
    pages[5].edit("<p>new</p>")
    answers = source.fetch(*keys)
    assert bodies(answers)[pages[5].id] == "<p>new</p>"
    row = answers[pages[5].id]
    assert isinstance(row, RawPage)
    assert row.version_key == site.open().list()[pages[5].id]


def test_an_old_copy_of_a_page_is_not_taken_for_the_listed_version(site: Site) -> None:
    pages = fill(site, 10)
    pages[3].edit("<p>new</p>")
    source = site.open()
    keys = source.list()

    def age(answer: Answer) -> None:
        data = orjson.loads(answer.body)
        for item in data["results"]:
            if item["id"] == pages[3].id:
                item["version"]["number"] = 1
                item["body"]["storage"]["value"] = "<p>old</p>"
        answer.body = orjson.dumps(data)

    pattern = "*/pages[?]*body-format*" if site.api == "v2" else "*/content[?]*body.storage*"
    fault = site.server.fault(pattern, Effect(spoil=age), times=None)
    assert bodies(source.fetch(*keys))[pages[3].id] == "<p>new</p>"
    assert fault.struck


def test_the_bound_on_concurrency_is_in_force(open_source: Open) -> None:
    with ConfluenceServer("datacenter", latency=0.02) as server:
        pages = [server.space("ENG").add(f"Page {number}") for number in range(30)]
        source = open_source(server.url, max_concurrency=3, body_limit=1)
        assert len(source.fetch(*(page.id for page in pages))) == 30
        assert server.max_in_flight == 3


# --- pages that are gone -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("listed", [True, False])
def test_gone_pages_are_told_from_each_other_and_from_those_still_there(site: Site, listed: bool) -> None:
    pages = fill(site, 8)
    source = site.open()
    if listed:
        source.list()
    pages[0].trash()
    pages[1].archive()
    pages[2].purge()
    pages[3].move(None, space=site.server.space("OTHER"))
    answers = source.fetch(*(page.id for page in pages), "999999999")
    reasons = {
        page_id: answer.reason
        for page_id, answer in answers.items()
        if not isinstance(answer, RawPage | DocumentFailure)
    }
    assert set(bodies(answers)) == {page.id for page in pages[4:]}
    assert "trash" in reasons[pages[0].id]
    assert "archived" in reasons[pages[1].id]
    assert "no longer see it" in reasons[pages[2].id]
    assert "another space" in reasons[pages[3].id]
    assert "no longer see it" in reasons["999999999"]


def test_a_page_that_may_no_longer_be_seen_is_gone(open_source: Open) -> None:
    with ConfluenceServer("datacenter") as server:
        space = server.space("ENG")
        open_page, secret = space.add("Open"), space.add("Secret")
        server.allow(user="Reader", secret="pat")
        source = open_source(server.url, token="pat")
        assert source.list().keys() == {open_page.id, secret.id}
        secret.restrict(read=["Somebody else"])
        assert "credentials" in source.gone(secret.id)
        assert source.list().keys() == {open_page.id}


def test_a_page_in_the_trash_is_told_from_a_purged_one_even_if_batches_fail(site: Site) -> None:
    pages = fill(site, 3)
    pages[0].trash()
    pages[1].purge()
    source = site.open()
    pattern = "*id=*body-format=*" if site.api == "v2" else "*/content[?]spaceKey*"
    fault = site.server.fault(pattern, faults.status(500, "{}"), times=None)
    assert "trash" in source.gone(pages[0].id)
    assert "no longer see it" in source.gone(pages[1].id)
    assert source.page(pages[2].id)
    assert fault.struck == (3 if site.api == "v2" else 0)  # v1 asks for few pages singly


def test_a_404_for_the_whole_space_deletes_nothing(site: Site) -> None:
    pages = fill(site, 3)
    source = site.open()
    source.list()
    site.server.fault("*", faults.status(404, '{"message": "nothing here"}'), times=None)
    with pytest.raises(SourceNotFoundError):
        source.fetch(*(page.id for page in pages))


def test_a_space_that_can_no_longer_be_seen_is_an_error_of_the_source(site: Site) -> None:
    pages = fill(site, 3)
    source = site.open()
    source.list()
    for page in pages:
        page.purge()
    del site.server.site.spaces["ENG"]
    with pytest.raises(SourceNotFoundError, match="no space ENG"):
        source.fetch(*(page.id for page in pages))


# --- pages that fail ---------------------------------------------------------------------------------------------


def test_a_page_whose_storage_body_fails_comes_as_its_rendered_view(site: Site) -> None:
    pages = fill(site, 40)
    broken = pages[17]
    broken.storage_fails = True
    source = site.open()
    keys = source.list()
    answers = source.fetch(*keys)
    row = answers[broken.id]
    assert isinstance(row, RawPage)
    assert row.media_type == "text/html"
    assert "17" in row.body
    assert row.notes
    assert row.version_key == keys[broken.id]
    assert len(bodies(answers)) == 40
    assert len(body_requests(site)) < 20


def test_a_page_that_comes_without_its_body_comes_as_its_rendered_view(site: Site) -> None:
    page = site.space.add("Page", "<p>text</p>")

    def strip(answer: Answer) -> None:
        data = orjson.loads(answer.body)
        for item in data.get("results", [data]):
            item["body"] = {"storage": {"value": None, "representation": "storage"}}
        answer.body = orjson.dumps(data)

    pattern = "*body-format=storage*" if site.api == "v2" else "*body.storage*"
    site.server.fault(pattern, Effect(spoil=strip), times=None)
    assert site.open().page(page.id).media_type == "text/html"


def test_a_page_that_fails_in_every_form_fails_alone(site: Site) -> None:
    pages = fill(site, 12)
    bad = pages[4]
    bad.storage_fails = True
    site.server.fault(f"*/{bad.id}*", faults.status(500, '{"message": "Renderer broke"}'), times=None)
    answers = site.open().fetch(*(page.id for page in pages))
    failure = answers[bad.id]
    assert isinstance(failure, DocumentFailure)
    assert failure.stage == Stage.RAW_PAGES
    assert "Renderer broke" in failure.message
    assert len(bodies(answers)) == 11


def test_a_page_that_always_runs_into_a_time_out_fails_alone(site: Site) -> None:
    pages = fill(site, 6)
    slow = pages[2]

    def too_slow(answer: Answer) -> None:
        if slow.id.encode() in answer.body:
            answer.status, answer.body = 504, b"<html>504</html>"

    source = site.open()
    keys = source.list()
    pattern = "*body-format=*" if site.api == "v2" else "*body.*"
    site.server.fault(pattern, Effect(spoil=too_slow), times=None)
    answers = source.fetch(*keys)
    failure = answers[slow.id]
    assert isinstance(failure, DocumentFailure)
    assert "504" in failure.message
    assert len(bodies(answers)) == 5


def test_a_page_that_is_forbidden_fails_alone(site: Site) -> None:
    pages = fill(site, 2)
    closed = pages[0].id
    site.server.fault(f"*/{closed}*", faults.status(403, '{"message": "no"}'), times=None)
    pattern = "*/pages[?]*" if site.api == "v2" else "*/content[?]*"
    site.server.fault(pattern, faults.status(400, "{}"), times=None)
    assert "403" in site.open().failure(closed).message


def test_a_page_that_makes_its_batch_forbidden_leaves_the_others_readable(site: Site) -> None:
    pages = fill(site, 10)
    source = site.open()
    keys = source.list()

    def forbid(answer: Answer) -> None:
        if pages[3].id.encode() in answer.body:
            answer.status, answer.body = 403, b"{}"

    pattern = "*body-format=*" if site.api == "v2" else "*body.*"
    site.server.fault(pattern, Effect(spoil=forbid), times=None)
    answers = source.fetch(*keys)
    assert len(bodies(answers)) == 9
    assert isinstance(answers[pages[3].id], DocumentFailure)


def test_a_space_that_becomes_forbidden_is_an_error_of_the_source(site: Site) -> None:
    pages = fill(site, 10)
    source = site.open()
    source.list()
    site.server.fault("*", faults.status(403, "{}"), times=None)
    with pytest.raises(AccessDeniedError, match="403"):
        source.fetch(*(page.id for page in pages))


def test_an_answer_for_another_page_is_not_taken_for_the_one_wanted(site: Site) -> None:
    page, other = site.space.add("Page"), site.space.add("Other")

    def exchange(answer: Answer) -> None:
        answer.body = answer.body.replace(page.id.encode(), other.id.encode())

    site.server.fault(f"*{page.id}*", Effect(spoil=exchange), times=None)
    assert site.open().failure(page.id)


def test_what_is_above_a_page_is_looked_up_for_each_event(site: Site) -> None:
    root = site.space.add("Root")
    page = site.space.add("Page", parent=root)
    source = site.open()
    assert [item.title for item in source.page(page.id).ancestors] == ["Root"]
    root.rename("New")
    assert [item.title for item in source.page(page.id).ancestors] == ["New"]


def test_a_body_over_the_limit_is_a_failure_that_says_so(site: Site) -> None:
    small, large = site.space.add("Small"), site.space.add("Large", "<p>" + "ä" * 60_000 + "</p>")
    source = site.open(max_document_bytes=100_000)
    keys = source.list()
    answers = source.fetch(*keys)
    failure = answers[large.id]
    assert isinstance(failure, DocumentFailure)
    assert failure.title == "Large"
    assert "120,007 bytes" in failure.message
    assert "WIKI_PIPELINE_MAX_DOCUMENT_BYTES" in failure.message
    assert set(bodies(answers)) == {small.id}


def test_a_body_of_twenty_megabytes_fails_alone(confluence_datacenter: ConfluenceServer, open_source: Open) -> None:
    space = confluence_datacenter.space("ENG")
    huge = space.add("Huge", "<p>" + "x" * 20_000_000 + "</p>")
    rest = [space.add(f"Page {number}") for number in range(5)]
    source = open_source(confluence_datacenter.url)
    keys = source.list()
    answers = source.fetch(*keys)
    assert set(bodies(answers)) == {page.id for page in rest}
    failure = answers[huge.id]
    assert isinstance(failure, DocumentFailure)
    assert "20,000,007 bytes" in failure.message


def test_a_batch_over_the_limit_of_an_answer_is_halved(site: Site) -> None:
    pages = fill(site, 20, size=20_000)
    source = site.open(max_response_bytes=150_000)
    keys = source.list()
    assert len(bodies(source.fetch(*keys))) == len(pages)
    assert len(body_requests(site)) < 15


def test_an_answer_over_the_limit_for_one_page_is_a_failure(site: Site) -> None:
    page = site.space.add("Page", "x" * 200_000)
    source = site.open(max_response_bytes=150_000)
    assert "WIKI_PIPELINE_CONFLUENCE_MAX_RESPONSE_BYTES" in source.failure(page.id).message


def test_restrictions_below_a_trashed_ancestor_spoil_nothing(site: Site) -> None:
    top = site.space.add("Top")
    below = [site.space.add(f"Below {number}", parent=top) for number in range(5)]
    below[0].restrict(read=["Wiki Reader"])
    top.trash(lift_children=False)
    source = site.open()
    below[0].restrict()
    keys = source.list()
    assert len(bodies(source.fetch(*keys))) == 5


# --- trouble of the site -----------------------------------------------------------------------------------------


def test_a_server_that_dies_half_way_is_an_error_and_what_came_before_counts(site: Site) -> None:
    pages = fill(site, 100)
    source = site.open(body_limit=10, max_concurrency=1)
    keys = source.list()
    pattern = "*body-format=*" if site.api == "v2" else "*body.*"

    def die(_: Request) -> None:
        site.server.fault("*", faults.dropped(), times=None)

    site.server.fault(pattern, Effect(bend=die), after=3)
    came: list[Fetched] = []

    async def read() -> None:
        async for portion in source.source.fetch([page.id for page in pages if page.id in keys]):
            came.extend(portion)

    with pytest.raises(SourceUnreachableError):
        source.run(read())
    assert len(came) >= 30
    assert len(source.waits.seconds) <= 2 * 3  # the batch and the question whether the site is there, not every page


def test_credentials_taken_back_half_way_are_an_error(site: Site) -> None:
    pages = fill(site, 30)
    source = site.open(body_limit=10)
    source.list()
    site.server.fault("*", faults.status(401, "{}"), after=1, times=None)
    with pytest.raises(AccessDeniedError):
        source.fetch(*(page.id for page in pages))


def test_requests_wait_until_their_answers_are_wanted(site: Site) -> None:
    pages = fill(site, 200)
    source = site.open(body_limit=5, max_concurrency=2)
    source.list()
    site.server.forget_requests()

    async def read_a_little() -> int:
        async with aclosing(source.source.fetch([page.id for page in pages])) as portions:
            await anext(portions)
        return len(body_requests(site))

    assert source.run(read_a_little()) <= 4


# --- people ------------------------------------------------------------------------------------------------------


def test_without_the_right_to_see_people_pages_have_no_author(
    confluence_cloud: ConfluenceServer, open_source: Open
) -> None:
    space = confluence_cloud.space("ENG")
    pages = [space.add(f"Page {number}", author=f"Author {number}") for number in range(60)]
    fault = confluence_cloud.fault("*/users-bulk*", faults.status(403, "{}"), times=None)
    source = open_source(confluence_cloud.url, body_limit=10)
    answers = source.fetch(*(page.id for page in pages))
    assert {answer.author for answer in answers.values() if isinstance(answer, RawPage)} == {""}
    assert fault.struck == 1


def test_labels_of_many_pages_without_a_listing_take_few_requests(
    confluence_cloud: ConfluenceServer, open_source: Open
) -> None:
    space = confluence_cloud.space("ENG")
    pages = [space.add(f"Page {number}", labels=["all", "odd"][: 1 + number % 2]) for number in range(90)]
    answers = open_source(confluence_cloud.url).fetch(*(page.id for page in pages))
    assert [answer.labels for answer in answers.values() if isinstance(answer, RawPage)].count(("all", "odd")) == 45
    assert len(confluence_cloud.requests) <= 8


def test_a_moved_page_is_brought_with_what_is_above_it_now(site: Site) -> None:
    old, new = site.space.add("Old"), site.space.add("New")
    page = site.space.add("Page", parent=old)
    source = site.open()
    source.list()
    fresh = site.space.add("Fresh", parent=new)
    page.move(fresh)
    row = source.page(page.id)
    assert [item.title for item in row.ancestors] == ["New", "Fresh"]
    assert row.version_key == site.open().list()[page.id]


def test_a_bent_request_is_what_the_server_says_it_is(confluence_datacenter: ConfluenceServer) -> None:
    """The effects that these tests make themselves are applied (they would prove nothing otherwise)."""
    met: list[str] = []

    def note(request: Request) -> None:
        met.append(request.path)

    confluence_datacenter.space("ENG")
    confluence_datacenter.fault("*", Effect(bend=note))
    assert httpx.get(f"{confluence_datacenter.url}/rest/api/space/ENG").status_code == 200
    assert met == ["/rest/api/space/ENG"]
