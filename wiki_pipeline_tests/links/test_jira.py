"""What addresses of a Jira mean, and where keys lead: also those that an issue had before it was moved."""

from __future__ import annotations

import pyarrow as pa
import pytest

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links import jira
from wiki_pipeline.links.files import file_place
from wiki_pipeline.links.index import COLUMNS, LinkIndex
from wiki_pipeline.links.web import split
from wiki_pipeline.model import SourceKey

OPS = SourceKey("default", "jira", "OPS")
SITE = "https://acme.atlassian.net"


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("/browse/OPS-12", "OPS-12"),
        ("/browse/ops-12?focusedCommentId=3", "OPS-12"),
        ("/issues/OPS-12", "OPS-12"),
        ("/jira/software/projects/OPS/boards/3?selectedIssue=OPS-12", "OPS-12"),
        ("/jira/software/c/projects/OPS/issues/OPS-12", "OPS-12"),
        ("/projects/OPS/issues/OPS-12", "OPS-12"),
        ("/projects/OPS", ""),
        ("/browse/OPS", ""),
    ],
)
def test_addresses_mean_issues_and_projects(address: str, key: str) -> None:
    parts = jira.Site.parse(SITE).below(SITE + address)
    assert parts is not None
    assert jira.read_target(parts) == jira.Target("OPS", key)


@pytest.mark.parametrize(
    "address", ["/wiki/spaces/ENG", "/browse/", "/issues/?jql=x", "/browse/OPS-0", "/browse/..%2fx"]
)
def test_other_addresses_mean_none(address: str) -> None:
    parts = jira.Site.parse(SITE).below(SITE + address)
    if parts is not None:
        with pytest.raises(ConfigurationError):
            jira.read_target(parts)


def _index() -> LinkIndex:
    rows = [
        (
            "10002",
            "OPS-2 Pump stalls",
            f"{SITE}/browse/OPS-2",
            "",
            "OPS",
            ["status=Done", "category=done", "alias=OLD-7"],
        ),
        ("10003", "OPS-3 Valve", f"{SITE}/browse/OPS-3", "", "OPS", ["status=To Do", "category=new"]),
    ]
    columns = list(zip(*rows, strict=True))
    return LinkIndex({OPS: pa.table(dict(zip(COLUMNS, map(list, columns), strict=True)))})


def test_links_show_title_and_status_and_old_keys_lead_to_the_issue() -> None:
    index = _index()
    wiki = "/wiki/jira-OPS/10002/ops-2-pump-stalls"
    for address in (f"{SITE}/browse/OPS-2", f"{SITE}/browse/OLD-7", f"{SITE}/browse/ops-2"):
        assert index.resolve(address, OPS) == wiki
        badge = index.badge(address, OPS)
        assert badge is not None
        assert (badge.text, badge.tone) == ("Done", "done")
    assert index.title("OLD-7", f"{SITE}/browse/OLD-7", OPS) == "OPS-2 Pump stalls"
    assert index.resolve(f"{SITE}/browse/OPS-99", OPS) is None
    assert index.resolve("https://other.example.org/browse/OPS-2", OPS) is None
    (shown,) = index.targets(OPS, "", [{"text": "OPS-2", "target": f"{SITE}/browse/OPS-2"}])
    assert "Done" in shown  # so a page is rendered again when the status changes


def test_a_query_and_a_file_are_read_as_they_are_written() -> None:
    target = jira.query_address(SITE, 'project = OPS AND labels = "a b"')
    assert jira.query_of(target) == (SITE, 'project = OPS AND labels = "a b"')
    assert jira.query_of(f"{SITE}/browse/OPS-2") is None
    file = jira.attachment_address(SITE, "10002", "77", "pump & valve.png")
    place = file_place(file)
    assert place is not None
    assert (place.page_id, place.name) == ("10002", "77/pump & valve.png")
    address = split(f"{SITE}/secure/attachment/77/x.png")
    assert address is not None
    assert jira.file_place(address) is None  # of which issue, that doesn't say
