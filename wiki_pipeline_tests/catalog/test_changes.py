from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wiki_pipeline.catalog import Catalog, ChangeKind, ChangeRecord, DocumentChange, SetKind
from wiki_pipeline.errors import CursorExpiredError
from wiki_pipeline.model import SourceKey
from wiki_pipeline_tests.catalog.clocks import jump

OTHER = SourceKey("default", "confluence", "ENG")
LONG_AGO = timedelta(0)


def change(document_id: str, kind: ChangeKind = ChangeKind.ADDED, version: str = "1", **facts: Any) -> DocumentChange:
    title = facts.pop("title", f"Page {document_id}")
    content_hash = "" if kind is ChangeKind.DELETED else f"{document_id} {version}"
    return DocumentChange(
        document_id=document_id, kind=kind, version=version, title=title, content_hash=content_hash, **facts
    )


def add(catalog: Catalog, source: SourceKey, *made: DocumentChange, kind: SetKind = SetKind.SYNC) -> int:
    return catalog.changes.add(source, made, title="The source", kind=kind)


def everything(catalog: Catalog, since: str = "", limit: int = 3) -> tuple[list[ChangeRecord], str]:
    """All changes after a cursor, read part by part, and where that led to."""
    found: list[ChangeRecord] = []
    while True:
        page = catalog.changes.page("default", since, limit=limit)
        found += page.changes
        since = page.cursor
        if not page.more:
            return found, since


def shown(found: list[ChangeRecord]) -> list[tuple[str, str, str]]:
    return [(each.document_id, each.kind.value, each.version) for each in found]


def test_changes_are_read_in_their_order_part_by_part(catalog: Catalog, source: SourceKey) -> None:
    assert everything(catalog) == ([], "")
    add(
        catalog, source, *(change(str(n), author="Ana", modified_at=datetime(2026, 5, 1, tzinfo=UTC)) for n in range(7))
    )
    found, cursor = everything(catalog)
    assert [each.document_id for each in found] == [str(n) for n in range(7)]
    assert (found[0].author, found[0].modified_at) == ("Ana", datetime(2026, 5, 1, tzinfo=UTC))
    assert everything(catalog, cursor) == ([], cursor)
    add(catalog, source, change("3", ChangeKind.UPDATED, "2", previous_version="1"), change("9"))
    later, cursor = everything(catalog, cursor)
    assert shown(later) == [("3", "updated", "2"), ("9", "added", "1")]
    assert later[0].recorded_at >= found[0].recorded_at


def test_what_is_known_of_documents_is_their_latest_change(catalog: Catalog, source: SourceKey) -> None:
    add(catalog, source, change("1"), change("2"), change("3"))
    add(catalog, source, change("1", ChangeKind.UPDATED, "2"), change("2", ChangeKind.DELETED))
    known = catalog.changes.known(source)
    assert {document_id: facts.version for document_id, facts in known.items()} == {"1": "2", "3": "1"}
    assert known["1"].content_hash == "1 2"
    assert catalog.changes.known(source, ["2", "3", "no"]).keys() == {"3"}
    assert catalog.changes.known(source, [str(n) for n in range(2_000)]) == known
    assert catalog.changes.known(OTHER) == {}


def test_old_changes_go_and_of_each_document_the_latest_stays(catalog: Catalog, source: SourceKey) -> None:
    add(catalog, source, change("1"), change("2"), change("3"))
    add(catalog, source, change("1", ChangeKind.UPDATED, "2"))
    assert catalog.changes.expire(timedelta(days=1)) == 0
    before, cursor = everything(catalog)
    assert catalog.changes.expire(LONG_AGO) == 1
    assert shown(everything(catalog)[0]) == [("2", "added", "1"), ("3", "added", "1"), ("1", "updated", "2")]
    assert catalog.changes.sets("default") == []
    # Whoever had read the first only is told the rest: nothing is missed.
    first = catalog.changes.page("default", "", limit=1)
    assert everything(catalog, cursor) == ([], cursor)
    assert len(everything(catalog, first.cursor)[0]) == 2
    assert len(before) == 4


def test_whoever_may_have_missed_a_deletion_is_told_to_begin_again(catalog: Catalog, source: SourceKey) -> None:
    add(catalog, source, change("1"), change("2"))
    early = catalog.changes.page("default", "", limit=1).cursor
    add(catalog, source, change("1", ChangeKind.DELETED))
    _, late = everything(catalog)
    assert catalog.changes.expire(LONG_AGO) == 2
    with pytest.raises(CursorExpiredError, match="beginning"):
        catalog.changes.page("default", early)
    assert everything(catalog, late) == ([], late)
    found, again = everything(catalog)
    assert shown(found) == [("2", "added", "1")]
    assert again == late


@pytest.mark.parametrize("cursor", ["nonsense", "12", "00000000.1", "x.1", ".1", "1.x", "deadbeef." + "9" * 30, "-1"])
def test_cursors_of_elsewhere_are_refused(catalog: Catalog, source: SourceKey, cursor: str) -> None:
    add(catalog, source, change("1"))
    with pytest.raises(CursorExpiredError):
        catalog.changes.page("default", cursor)
    log = everything(catalog)[1].partition(".")[0]
    with pytest.raises(CursorExpiredError):
        catalog.changes.page("default", f"{log}.999999")


def test_a_time_leads_to_what_was_recorded_from_then_on(catalog: Catalog, source: SourceKey) -> None:
    assert catalog.changes.since("default", datetime(2020, 1, 1, tzinfo=UTC)) == ""
    add(catalog, source, change("1"))
    add(catalog, source, change("2"))
    first, second = everything(catalog)[0]
    assert catalog.changes.since("default", datetime(2020, 1, 1, tzinfo=UTC)) == ""
    cursor = catalog.changes.since("default", second.recorded_at)
    found = everything(catalog, cursor)[0]
    assert found[-1] == second
    assert all(each.recorded_at >= second.recorded_at for each in found)
    after = catalog.changes.since("default", second.recorded_at + timedelta(seconds=1))
    assert everything(catalog, after)[0] == []
    assert first.recorded_at <= second.recorded_at


def test_tenants_and_sources_are_kept_apart(catalog: Catalog, source: SourceKey) -> None:
    stranger = SourceKey("acme", "git", "org/repo")
    add(catalog, source, change("1"))
    add(catalog, stranger, change("secret"))
    add(catalog, OTHER, change("2"))
    assert [each.document_id for each in everything(catalog)[0]] == ["1", "2"]
    page = catalog.changes.page("default", "", sources=[OTHER])
    assert [each.document_id for each in page.changes] == ["2"]
    assert catalog.changes.page("default", "", sources=[]).changes == []
    assert [each.source for each in catalog.changes.sets("default")] == [OTHER, source]
    assert [each.source for each in catalog.changes.sets("default", sources=[source])] == [source]
    theirs = catalog.changes.page("acme", "").cursor
    with pytest.raises(CursorExpiredError):
        catalog.changes.page("default", theirs)


def test_that_a_source_was_removed_takes_the_place_of_its_changes(catalog: Catalog, source: SourceKey) -> None:
    catalog.add_source(source, "{}", "The repository")
    add(catalog, source, change("1"), change("2"))
    cursor = everything(catalog)[1]
    catalog.changes.complete(source, "version")
    assert catalog.remove_source(source)
    found, _ = everything(catalog, cursor)
    assert [(each.kind, each.document_id, each.title) for each in found] == [
        (ChangeKind.SOURCE_REMOVED, "", "The repository")
    ]
    assert everything(catalog)[0] == found
    newest = catalog.changes.sets("default")[0]
    assert (newest.kind, newest.title, newest.deleted) == (SetKind.REMOVED, "The repository", 2)
    assert catalog.changes.state(source) is None
    assert catalog.changes.known(source) == {}
    catalog.remove_source(source)
    assert len(everything(catalog)[0]) == 1


def test_changes_of_one_sync_are_one_set_however_many_times_they_are_added(catalog: Catalog, source: SourceKey) -> None:
    made = [change(str(n)) for n in range(3)]
    number = catalog.changes.add(source, made[:2], title="T", kind=SetKind.FIRST)
    assert catalog.changes.add(source, made[2:], title="T", kind=SetKind.FIRST, set_id=number) == number
    other = add(catalog, source, change("1", ChangeKind.UPDATED, "2"), change("0", ChangeKind.DELETED))
    newest, first = catalog.changes.sets("default")
    assert (first.set_id, first.kind, first.added, first.size) == (number, SetKind.FIRST, 3, 3)
    assert (newest.set_id, newest.added, newest.updated, newest.deleted) == (other, 0, 1, 1)
    assert catalog.changes.sets("default", before=other) == [first]
    assert [each.document_id for each in catalog.changes.of_sets([number], 10)] == ["2", "1", "0"]


def test_whether_everything_is_recorded_is_known_after_a_crash(catalog: Catalog, source: SourceKey) -> None:
    assert catalog.changes.state(source) is None
    assert not catalog.changes.begin(source)
    assert catalog.changes.state(source) == ""
    catalog.changes.complete(source, "version")
    assert catalog.changes.state(source) == "version"
    assert catalog.changes.begin(source)
    assert not catalog.changes.begin(source)  # the first one died before it completed


def test_a_reader_misses_nothing_while_several_write(catalog: Catalog, source: SourceKey) -> None:
    add(catalog, source, change("first"))
    stop = threading.Event()
    seen: list[str] = []

    def write(name: str) -> None:
        for number in range(20):
            add(catalog, SourceKey("default", "git", name), *(change(f"{name} {number} {part}") for part in range(3)))

    def read() -> None:
        cursor = ""
        while True:
            last = stop.is_set()
            found, cursor = everything(catalog, cursor, limit=5)
            seen.extend(each.document_id for each in found)
            if last:
                return

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join(timeout=120)
    stop.set()
    reader.join(timeout=120)
    assert len(seen) == len(set(seen)) == 1 + 3 * 20 * 3


@pytest.mark.security
def test_what_was_recorded_before_the_clock_was_put_back_is_not_passed_over(
    catalog: Catalog, url: str, source: SourceKey
) -> None:
    add(catalog, source, change("1"))
    jump(url, timedelta(hours=-1))
    add(catalog, source, change("2"))
    (first, second), _ = everything(catalog)
    assert first.recorded_at > second.recorded_at
    between = second.recorded_at + timedelta(minutes=30)
    assert [each.document_id for each in everything(catalog, catalog.changes.since("default", between))[0]] == [
        "1",
        "2",
    ]
