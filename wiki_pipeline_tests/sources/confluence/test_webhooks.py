"""Confluence's webhooks: who may send them, and what each makes somebody look at."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from wiki_pipeline.errors import PayloadError, SignatureError
from wiki_pipeline.model import ChangeHint, Connection, SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.sources.confluence.config import SourceConfig
from wiki_pipeline.sources.confluence.settings import ConfluenceSettings
from wiki_pipeline.sources.confluence.webhooks import ConfluenceWebhook
from wiki_pipeline.sources.webhook import Delivery, ParsedDelivery

SITE = "https://acme.atlassian.net/wiki"
ENG, DOCS = SourceKey("default", "confluence", "ENG"), SourceKey("default", "confluence", "DOCS")
OTHER_SITE = SourceKey("default", "confluence", "OLD")
KNOWN = {
    ENG: SourceConfig(SITE, "ENG").dump(),
    DOCS: SourceConfig(SITE, "DOCS").dump(),
    OTHER_SITE: SourceConfig("https://before.example.com/wiki", "OLD").dump(),
    SourceKey("default", "confluence", "BROKEN"): "{}",
}


def webhook(**settings: Any) -> ConfluenceWebhook:
    return ConfluenceWebhook(load(ConfluenceSettings, url=SITE, **settings))


def heard(body: Any, event: str = "", **headers: str) -> ParsedDelivery:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return webhook().reader(KNOWN)(Delivery(named, content, event))


def connect(space: str = "ENG", **page: Any) -> dict[str, Any]:
    """A body as Connect sends it."""
    facts = {"id": 98487, "idAsString": "98487", "spaceKey": space, "title": "Guide", "version": 8, **page}
    return {"userAccountId": "5b10", "timestamp": 1762335000000, "page": facts}


def thin(event: str, **more: Any) -> dict[str, Any]:
    """A body as Data Center sends it."""
    return {"timestamp": 1762335000000, "event": event, "userKey": "2c9", "page": {"id": 98487}, **more}


def forge(verb: str, noun: str = "page", **content: Any) -> dict[str, Any]:
    """A body as Forge hands it to an app."""
    facts = {"id": "98487", "type": "page", "status": "current", "space": {"id": "1", "key": "ENG"}, **content}
    return {"eventType": f"avi:confluence:{verb}:{noun}", "atlassianId": "5b10", "content": facts}


def of_page(source: SourceKey | None, what: str, version: str = "") -> ChangeHint:
    return ChangeHint("confluence", source, "98487", what, version)


def of_space(source: SourceKey, what: str) -> ChangeHint:
    return ChangeHint("confluence", source, "", what)


# --- what events do ---


@pytest.mark.parametrize("what", ["page_created", "page_updated"])
def test_an_edit_makes_its_page_looked_at_in_every_form_of_body(what: str) -> None:
    verb = what.removeprefix("page_")
    assert heard(connect(), what).hints == (of_page(ENG, what, "8"),)
    assert heard(thin(what)).hints == (of_page(None, what),)
    assert heard(forge(verb)).hints == (of_page(ENG, what),)
    assert heard(forge(verb, version={"number": 8})).hints == (of_page(ENG, what, "8"),)
    own = {"event": what, "page": {"id": "98487"}, "space": {"key": "eng"}}
    assert heard(own).hints == (of_page(ENG, what),)


@pytest.mark.parametrize("what", ["page_trashed", "page_removed", "page_archived"])
def test_what_goes_is_looked_at_where_it_was_and_its_version_says_nothing(what: str) -> None:
    assert heard(connect(), what).hints == (of_page(ENG, what),)
    assert heard(thin(what)).hints == (of_page(None, what),)


@pytest.mark.parametrize("what", ["page_moved", "page_restored", "page_unarchived"])
def test_what_moves_is_looked_at_wherever_it_is_with_what_is_below_it(what: str) -> None:
    assert heard(thin(what)).hints == (of_page(None, what),)
    assert heard(connect(), what).hints == (of_page(None, what), of_space(ENG, what))
    assert heard(connect("ELSEWHERE"), what).hints == (of_page(None, what),)
    body = {**forge(what.removeprefix("page_")), "prevContent": {"space": {"key": "DOCS"}}}
    assert set(heard(body).hints) == {of_page(None, what), of_space(ENG, what), of_space(DOCS, what)}


@pytest.mark.parametrize("what", ["page_children_reordered", "content_permissions_updated"])
def test_what_changes_all_that_is_below_makes_the_space_listed(what: str) -> None:
    assert heard(connect(), what).hints == (of_space(ENG, what),)
    assert heard(thin(what)).hints == (of_page(None, what),)
    content = {"timestamp": 1, "content": {"id": 98487, "spaceKey": "ENG", "contentType": "page"}}
    assert heard(content, what).hints == (of_space(ENG, what),)


@pytest.mark.parametrize("what", ["space_updated", "space_removed", "space_permissions_updated", "space_created"])
def test_what_happens_to_a_space_makes_it_listed(what: str) -> None:
    assert heard({"timestamp": 1, "event": what, "space": {"key": "ENG"}}).hints == (of_space(ENG, what),)
    assert heard({"timestamp": 1, "spaceKey": "ENG"}, what).hints == (of_space(ENG, what),)
    unknown = heard({"timestamp": 1, "event": what, "space": {"key": "HR"}})
    assert (unknown.hints, unknown.ignored) == ((), "The space HR is not a source.")


@pytest.mark.parametrize("holder", ["labeled", "labelled", "page", "content", "container", "attachedTo"])
@pytest.mark.parametrize("what", ["label_added", "label_removed", "attachment_created", "attachment_removed"])
def test_labels_and_attachments_make_their_page_looked_at(what: str, holder: str) -> None:
    page = {"id": 98487, "spaceKey": "ENG", "contentType": "page", "version": 8}
    body = {"timestamp": 1, "label": {"name": "x"}, "attachment": {"id": 7}, holder: page}
    assert heard(body, what).hints == (of_page(ENG, what),)


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("blog_created", {"blog": {"id": 1}}),
        ("blog_updated", connect()),
        ("comment_created", {"comment": {"id": 1}}),
        ("comment_removed", connect()),
        ("label_created", {"label": {"name": "x"}}),
        ("label_deleted", {"label": {"name": "x"}}),
        ("label_added", {"label": {"name": "x"}}),
        ("label_added", {"labeled": {"id": 1, "contentType": "blogpost", "spaceKey": "ENG"}}),
        ("attachment_updated", {"attachment": {"id": 7}}),
        ("attachment_viewed", connect()),
        ("page_viewed", connect()),
        ("page_liked", connect()),
        ("space_logo_updated", {"space": {"key": "ENG"}}),
        ("user_created", {}),
        ("page_updated", connect("HR")),
        ("page_updated", connect("OLD")),
        ("page_updated", connect("BROKEN")),
        ("page_updated", connect(contentType="whiteboard")),
        ("avi:confluence:created:blogpost", forge("created", "blogpost")),
        ("avi:confluence:viewed:page", forge("viewed")),
    ],
)
def test_what_changes_nothing_that_is_kept_is_ignored_with_a_reason(what: str, body: dict[str, Any]) -> None:
    said = heard(body, what)
    assert said.hints == ()
    assert said.ignored.endswith(".")


@pytest.mark.parametrize(
    ("body", "event"),
    [
        (b"", "page_updated"),
        (b"[1]", "page_updated"),
        (b"{", "page_updated"),
        (b"\xff\xfe", "page_updated"),
        (b"[" * 100_000, "page_updated"),
        (connect(), ""),
        (connect(), "../page_updated"),
        ({"page": {}}, "page_updated"),
        ({"page": {"id": "../../admin"}}, "page_updated"),
        ({"page": {"id": True}}, "page_updated"),
        ({"page": "98487"}, "page_updated"),
        ({}, "space_updated"),
    ],
)
def test_a_body_that_makes_no_sense_is_refused(body: Any, event: str) -> None:
    with pytest.raises(PayloadError):
        heard(body, event)


def test_events_are_counted_under_a_bounded_number_of_names() -> None:
    assert [heard(connect(), f"page_x{number}").event for number in range(3)] == ["page_*"] * 3
    assert heard({}, "anything").event == "other"
    assert heard(forge("updated")).event == "page_updated"


# --- deliveries that come again ---


def test_a_delivery_is_known_by_its_own_id_or_by_its_dated_body() -> None:
    ids = [
        heard(connect(), "page_updated").delivery_id,
        heard(connect(version=9), "page_updated").delivery_id,
        heard(connect(), "page_trashed").delivery_id,
        heard(connect(), "page_updated", x_atlassian_webhook_identifier="a").delivery_id,
        heard(connect(version=9), "page_updated", x_atlassian_webhook_identifier="a").delivery_id,
        heard(connect(), "page_updated", idempotency_key="b" * 1000).delivery_id,
    ]
    assert ids[3] == ids[4]
    assert len(set(ids)) == 5
    assert ids[0] == heard(connect(), "page_updated").delivery_id
    assert all(len(id_) < 300 for id_ in ids)


def test_a_body_without_a_date_is_never_taken_for_one_that_came_before() -> None:
    own = {"event": "page_updated", "page": {"id": "98487"}, "space": {"key": "ENG"}}
    assert heard(own).delivery_id == ""  # the next edit of the page looks the same


# --- who may send ---


def signed(body: bytes, secret: str, header: str = "x-confluence-signature", prefix: str = "") -> dict[str, str]:
    return {header: prefix + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


BODY = json.dumps(connect()).encode()


@pytest.mark.parametrize("secret", ["new one", "old"])
@pytest.mark.parametrize(
    ("header", "prefix"),
    [("x-confluence-signature", ""), ("x-hub-signature", "sha256="), ("x-hub-signature-256", "sha256=")],
)
def test_each_header_and_each_of_several_secrets_counts(header: str, prefix: str, secret: str) -> None:
    both = webhook(webhook_secret="new one, old")
    both.authenticate(Delivery(signed(BODY, secret, header, prefix), BODY))
    both.authenticate(
        Delivery({header: signed(BODY, secret, header, prefix)[header].upper().replace("SHA", "sha")}, BODY)
    )


@pytest.mark.security
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-confluence-signature": ""},
        {"x-confluence-signature": "0" * 64},
        {"x-hub-signature": "sha1=" + "0" * 40},
        {"x-hub-signature": "\xff\x00é"},
        signed(BODY, ""),
        signed(BODY, "other"),
        signed(BODY + b" ", "secret"),
        {"authorization": "JWT eyJhbGciOiJub25lIn0.e30."},
    ],
)
def test_what_nobody_who_knows_the_secret_signed_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(SignatureError):
        webhook(webhook_secret="secret").authenticate(Delivery(headers, BODY))


@pytest.mark.security
def test_without_a_secret_nothing_is_taken_unless_a_setting_says_so() -> None:
    with pytest.raises(SignatureError, match="CONFLUENCE_WEBHOOK_SECRET"):
        webhook().authenticate(Delivery(signed(BODY, ""), BODY))
    webhook(accept_unsigned_webhooks=True).authenticate(Delivery({}, BODY))
    with pytest.raises(SignatureError):  # with a secret, it is asked for
        webhook(accept_unsigned_webhooks=True, webhook_secret="x").authenticate(Delivery({}, BODY))


@pytest.mark.parametrize("given", ["a,b", '["a", "b"]', " a , b ,", ["a", "b"]])
def test_secrets_are_written_with_commas_or_as_a_list(given: Any) -> None:
    secrets = load(ConfluenceSettings, webhook_secret=given).webhook_secret
    assert [secret.get_secret_value() for secret in secrets] == ["a", "b"]
    assert "a" not in repr(secrets).replace("SecretStr", "")


# --- several sites ---

NORTH_SITE = "https://north.example.org"
NORTH = SourceKey("default", "confluence", "north/ENG")
TWO_SITES = [
    Connection("default", "confluence", "default", SITE),
    Connection("default", "confluence", "north", NORTH_SITE, {"site_url": "https://wiki.north.example.org"}),
]


@pytest.mark.parametrize(
    ("address", "sources"),
    [
        ({}, {ENG, NORTH}),
        ({"self": f"{SITE}/rest/api/content/98487"}, {ENG}),
        ({"self": f"{NORTH_SITE}/rest/api/content/98487"}, {NORTH}),
        ({"_links": {"base": "https://wiki.north.example.org"}}, {NORTH}),
        ({"self": "https://unknown.example.org/rest/api/content/98487"}, {ENG, NORTH}),
    ],
)
def test_of_two_sites_with_one_space_key_the_sender_s_is_looked_at(
    address: dict[str, Any], sources: set[SourceKey]
) -> None:
    known = {**KNOWN, NORTH: SourceConfig(NORTH_SITE, "ENG").dump()}
    reader = ConfluenceWebhook(load(ConfluenceSettings, url=SITE)).reader(known, TWO_SITES)
    body = json.dumps(connect(**address)).encode()
    assert {hint.source for hint in reader(Delivery({}, body, "page_updated")).hints} == sources
