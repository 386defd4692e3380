"""Bringing a table up to date: whatever happens on the way, the next call ends where it should."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from wiki_pipeline.errors import StoreError
from wiki_pipeline.model import Progress, Stage, StageReport
from wiki_pipeline.store import Batch, Reconciliation, StageTable, Store, reconcile
from wiki_pipeline_tests.store.made import DIMENSION, MODEL, SOURCE, clean_pages, desired, page_batch, vector_table


class Killed(BaseException):
    """Ends the work as a signal would: no handler of ours catches it."""


@dataclass
class Upstream:
    """A stage's input (id to text), which documents fail, and what was computed of it."""

    texts: dict[str, str] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    computed: list[str] = field(default_factory=list)
    batches_left: int = 1000

    def compute(self, document_ids: Sequence[str]) -> Batch:
        if self.batches_left == 0:
            raise Killed
        self.batches_left -= 1
        self.computed += document_ids
        good = {id_: self.texts[id_] for id_ in document_ids if id_ not in self.failing}
        return page_batch(good, [id_ for id_ in document_ids if id_ in self.failing])

    def sync(self, table: StageTable, **options: object) -> StageReport:
        self.computed.clear()
        return reconcile(
            table,
            desired(self.texts),
            self.compute,
            stage=Stage.CLEAN_PAGES,
            source=SOURCE,
            **{"code_version": "1", "batch_documents": 2, **options},  # type: ignore[arg-type]
        )


def contents(table: StageTable) -> dict[str, str]:
    rows = table.read(columns=["document_id", "markdown"])
    ids = rows["document_id"].to_pylist()
    assert len(set(ids)) == len(ids)
    return dict(zip(ids, rows["markdown"].to_pylist(), strict=True))


def version(table: StageTable) -> int:
    dataset = table.dataset()
    return 0 if dataset is None else dataset.version


ids = st.sampled_from([f"d{i}" for i in range(7)])
texts = st.sampled_from(["one", "two", "three", "ünï'c;ode"])


class Histories(RuleBasedStateMachine):
    """Documents come, change, fail and go; syncs are killed between batches; the code changes."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.table = clean_pages(self.folder)
        self.upstream = Upstream()
        self.code_version = 1
        self.served: dict[str, set[str]] = {}  # every text that a document ever had upstream

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @rule(id_=ids, text=texts)
    def edit(self, id_: str, text: str) -> None:
        self.upstream.texts[id_] = text
        self.served.setdefault(id_, set()).add(text)

    @rule(id_=ids)
    def remove(self, id_: str) -> None:
        self.upstream.texts.pop(id_, None)

    @rule(failing=st.sets(ids, max_size=3))
    def fail(self, failing: set[str]) -> None:
        self.upstream.failing = failing

    @rule()
    def new_code(self) -> None:
        self.code_version += 1

    @rule(batches=st.integers(0, 2))
    def sync_that_is_killed(self, batches: int) -> None:
        self.upstream.batches_left = batches
        try:
            self.upstream.sync(self.table, code_version=str(self.code_version))
        except Killed:
            pass
        finally:
            self.upstream.batches_left = 1000

    @rule()
    def sync(self) -> None:
        before = contents(self.table)
        report = self.upstream.sync(self.table, code_version=str(self.code_version))
        after = contents(self.table)
        wanted_now = self.upstream.texts
        failed = self.upstream.failing & set(self.upstream.computed)
        assert after == {
            id_: before[id_] if id_ in failed else text
            for id_, text in wanted_now.items()
            if id_ not in failed or id_ in before
        }
        assert report.failed == len(failed) == len(report.failures)
        assert report.deleted == len(before.keys() - wanted_now.keys())
        assert report.added == len(after.keys() - before.keys())
        assert report.added + report.updated + report.failed == len(self.upstream.computed)
        assert report.unchanged == len(wanted_now) - len(self.upstream.computed)
        assert report.rows == len(after)

    @precondition(lambda self: not self.upstream.failing)
    @rule()
    def sync_twice(self) -> None:
        first = self.upstream.sync(self.table, code_version=str(self.code_version))
        at = version(self.table)
        second = self.upstream.sync(self.table, code_version=str(self.code_version))
        assert self.upstream.computed == []
        assert (second.commits, version(self.table)) == (0, at)
        assert second.data_version == first.data_version

    @invariant()
    def every_document_is_one_that_was_there_once(self) -> None:
        for id_, text in contents(self.table).items():
            assert text in self.served[id_]


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=20, stateful_step_count=12, deadline=None)


def test_the_same_input_in_another_order_gives_the_same_data_version(tmp_path: Path) -> None:
    one, other = Upstream({"a": "1", "b": "2", "c": "3"}), Upstream({"c": "3", "a": "1", "b": "2"})
    first = one.sync(clean_pages(tmp_path / "one"))
    again = other.sync(clean_pages(tmp_path / "other"), batch_documents=1)
    assert first.data_version == again.data_version
    assert first.commits < again.commits


def test_nothing_at_all_is_no_commit_and_no_table(tmp_path: Path) -> None:
    table = clean_pages(tmp_path)
    report = Upstream().sync(table)
    assert (report.commits, report.rows, report.unchanged) == (0, 0, 0)
    assert table.dataset() is None


def test_one_edit_among_many_is_one_batch_and_one_commit(tmp_path: Path) -> None:
    table = clean_pages(tmp_path)
    upstream = Upstream({f"d{i}": "1" for i in range(50)})
    upstream.sync(table, batch_documents=50)
    upstream.texts["d7"] = "2"
    at = version(table)
    report = upstream.sync(table)
    assert upstream.computed == ["d7"]
    assert (report.updated, report.unchanged, report.commits) == (1, 49, 1)
    assert version(table) == at + 1


def test_a_named_part_is_brought_up_to_date_without_deleting_the_rest(tmp_path: Path) -> None:
    table = clean_pages(tmp_path)
    Upstream({"a": "1", "b": "1"}).sync(table)
    report = Upstream({"b": "2", "c": "2"}).sync(table, delete_missing=False)
    assert contents(table) == {"a": "1", "b": "2", "c": "2"}
    assert (report.added, report.updated, report.deleted) == (1, 1, 0)


def test_changed_code_or_parameters_make_everything_anew(tmp_path: Path) -> None:
    table = clean_pages(tmp_path)
    upstream = Upstream({"a": "1", "b": "1"})
    upstream.sync(table)
    assert upstream.sync(table, code_version="2").updated == 2
    assert upstream.sync(table, code_version="2", parameters=("400 tokens",)).updated == 2
    assert upstream.sync(table, code_version="2", parameters=("400 tokens",)).commits == 0


def test_equal_output_has_an_equal_content_hash_whatever_it_was_made_from(tmp_path: Path) -> None:
    table = clean_pages(tmp_path)
    upstream = Upstream({"a": "1", "b": "1"})
    upstream.sync(table)
    before = table.state()
    upstream.sync(table, code_version="2")
    after = table.state()
    assert sorted(before["content_hash"].to_pylist()) == sorted(after["content_hash"].to_pylist())
    assert not set(before["fingerprint"].to_pylist()) & set(after["fingerprint"].to_pylist())


def test_a_failed_document_keeps_its_rows_and_is_tried_again(tmp_path: Path) -> None:
    table = clean_pages(tmp_path)
    upstream = Upstream({"a": "1", "b": "1"})
    upstream.sync(table)
    upstream.texts |= {"a": "2", "b": "2", "c": "2"}
    upstream.failing = {"a", "c"}
    report = upstream.sync(table)
    assert contents(table) == {"a": "1", "b": "2"}
    assert [f.document_id for f in report.failures] == ["a", "c"]
    upstream.failing = set()
    assert upstream.sync(table).failed == 0
    assert contents(table) == {"a": "2", "b": "2", "c": "2"}


def test_a_hundred_failures_are_named_and_all_are_counted(tmp_path: Path) -> None:
    upstream = Upstream({f"d{i}": "1" for i in range(130)})
    upstream.failing = set(upstream.texts)
    report = upstream.sync(clean_pages(tmp_path), batch_documents=40)
    assert (report.failed, len(report.failures), report.commits) == (130, 100, 0)


def test_what_was_committed_before_an_exception_stays(tmp_path: Path) -> None:
    table = clean_pages(tmp_path)
    upstream = Upstream({f"d{i}": "1" for i in range(6)}, batches_left=2)
    with pytest.raises(Killed):
        upstream.sync(table)
    assert contents(table) == {f"d{i}": "1" for i in range(4)}
    upstream.batches_left = 1000
    report = upstream.sync(table)
    assert (report.added, report.unchanged) == (2, 4)


def test_nothing_is_deleted_by_work_that_failed(tmp_path: Path) -> None:
    table = clean_pages(tmp_path)
    Upstream({"a": "1", "b": "1"}).sync(table)
    with pytest.raises(Killed):
        Upstream({"c": "1"}, batches_left=0).sync(table)
    assert contents(table) == {"a": "1", "b": "1"}


def test_a_document_that_moves_is_never_in_neither_place(tmp_path: Path) -> None:
    table = clean_pages(tmp_path)
    Upstream({"old/path": "1"}).sync(table)
    at = version(table)
    report = Upstream({"new/path": "1"}).sync(table)
    assert (report.commits, version(table)) == (1, at + 1)
    assert contents(table) == {"new/path": "1"}


def test_a_batch_must_answer_for_each_of_its_documents(tmp_path: Path) -> None:
    def leaves_one_out(document_ids: Sequence[str]) -> Batch:
        return page_batch(dict.fromkeys(document_ids[1:], "1"))

    with pytest.raises(ValueError, match="left out"):
        reconcile(
            clean_pages(tmp_path),
            desired({"a": "1", "b": "1"}),
            leaves_one_out,
            stage=Stage.CLEAN_PAGES,
            source=SOURCE,
            code_version="1",
        )


def test_large_documents_make_small_batches(tmp_path: Path) -> None:
    sizes = []

    def compute(document_ids: Sequence[str]) -> Batch:
        sizes.append(len(document_ids))
        return page_batch(dict.fromkeys(document_ids, "x" * 100_000))

    report = reconcile(
        clean_pages(tmp_path),
        desired({f"d{i}": "1" for i in range(100)}),
        compute,
        stage=Stage.CLEAN_PAGES,
        source=SOURCE,
        code_version="1",
        batch_documents=80,
        batch_bytes=1_000_000,
    )
    assert report.added == sum(sizes) == 100
    assert sizes[0] == 64
    assert set(sizes[1:]) <= set(range(1, 11))


def test_progress_tells_what_is_done_of_how_much(tmp_path: Path) -> None:
    told: list[Progress] = []
    upstream = Upstream({f"d{i}": "1" for i in range(5)}, failing={"d0"})
    upstream.sync(clean_pages(tmp_path), progress=told.append)
    assert [p.total for p in told] == [5] * len(told)
    assert [p.done for p in told] == sorted(p.done for p in told)
    assert (told[0].done, told[-1].done, told[-1].failed) == (0, 5, 1)


def test_the_next_batch_is_computed_while_one_is_being_written(tmp_path: Path) -> None:
    computing_second = threading.Event()

    @contextmanager
    def writes_only_once_the_second_is_computed() -> Iterator[None]:
        assert computing_second.wait(30)
        yield

    def compute(document_ids: Sequence[str]) -> Batch:
        if "d2" in document_ids:
            computing_second.set()
        return page_batch(dict.fromkeys(document_ids, "1"))

    report = reconcile(
        clean_pages(tmp_path),
        desired({f"d{i}": "1" for i in range(4)}),
        compute,
        stage=Stage.CLEAN_PAGES,
        source=SOURCE,
        code_version="1",
        batch_documents=2,
        lease=writes_only_once_the_second_is_computed,
    )
    assert report.commits == 2


def test_a_lease_that_is_not_to_be_had_stops_the_work_and_harms_nothing(tmp_path: Path) -> None:
    @contextmanager
    def refuses() -> Iterator[None]:
        raise StoreError("taken")
        yield

    table = clean_pages(tmp_path)
    with pytest.raises(StoreError, match="taken"):
        Upstream({"a": "1"}).sync(table, lease=refuses)
    assert contents(table) == {}


def test_a_batch_that_could_not_be_written_is_not_forgotten_over_the_next_one(tmp_path: Path) -> None:
    attempts = itertools.count()

    @contextmanager
    def refuses_the_first() -> Iterator[None]:
        if next(attempts) == 0:
            raise StoreError("disk full")
        yield

    table = clean_pages(tmp_path)
    upstream = Upstream({f"d{i}": "1" for i in range(6)})
    with pytest.raises(StoreError, match="disk full"):
        upstream.sync(table, lease=refuses_the_first)
    assert contents(table) == {}
    assert upstream.sync(table).added == 6


class TestInParts:
    """A reconciliation as a source's listing and answers drive it."""

    def begin(self, table: StageTable, listed: dict[str, str], **options: object) -> Reconciliation:
        return Reconciliation(
            table,
            desired(listed),
            stage=Stage.RAW_PAGES,
            source=SOURCE,
            code_version="1",
            **options,  # type: ignore[arg-type]
        )

    def test_looking_at_the_plan_writes_nothing(self, tmp_path: Path) -> None:
        table = clean_pages(tmp_path)
        Upstream({"a": "1"}).sync(table)
        at = version(table)
        plan = self.begin(table, {"b": "1"}).plan
        assert (plan.todo.to_pylist(), plan.deleted.to_pylist()) == (["b"], ["a"])
        assert version(table) == at

    def test_answers_come_in_any_portions_and_gone_documents_leave(self, tmp_path: Path) -> None:
        table = clean_pages(tmp_path)
        with self.begin(table, {"a": "1", "b": "1", "c": "1"}) as work:
            work.write(page_batch({"a": "1", "b": "1", "c": "1"}))
        with self.begin(table, {"a": "2", "b": "2", "c": "1", "d": "1", "e": "1"}) as work:
            work.write(page_batch({"b": "2"}))
            work.delete(["a", "d"])  # gone between listing and fetching; d was never here
            work.write(page_batch({}, failed=["e"]))
        assert contents(table) == {"b": "2", "c": "1"}
        report = work.report
        assert (report.added, report.updated, report.deleted, report.unchanged, report.failed) == (0, 1, 1, 1, 1)

    def test_a_document_answered_for_twice_has_the_rows_of_the_last_answer(self, tmp_path: Path) -> None:
        table = clean_pages(tmp_path)
        with self.begin(table, {"a": "1", "b": "1"}) as work:
            work.write(page_batch({"a": "1", "b": "1"}))
            work.write(page_batch({"a": "2"}))
        assert contents(table) == {"a": "2", "b": "1"}
        assert work.report.rows == 2

    def test_rows_nobody_asked_for_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="not to be done"), self.begin(clean_pages(tmp_path), {"a": "1"}) as work:
            work.write(page_batch({"stranger": "1"}))

    def test_there_is_no_report_before_the_end(self, tmp_path: Path) -> None:
        with self.begin(clean_pages(tmp_path), {}) as work, pytest.raises(RuntimeError, match="finished"):
            _ = work.report
        assert work.report.commits == 0


def test_a_document_shrinks_and_grows_without_leaving_rows_behind(tmp_path: Path) -> None:
    table = Store(str(tmp_path), "default").vectors(MODEL, DIMENSION, SOURCE)
    for edition, chunks in enumerate((["a", "b", "c"], ["d"], ["e", "f"])):

        def compute(document_ids: Sequence[str], chunks: list[str] = chunks) -> Batch:
            return Batch(vector_table(dict.fromkeys(document_ids, chunks)))

        report = reconcile(
            table,
            pa.table({"document_id": ["x", "y"], "input_hash": [str(edition)] * 2}),
            compute,
            stage=Stage.VECTORS,
            source=SOURCE,
            code_version="1",
        )
        assert report.rows == 2 * len(chunks)
        assert sorted(table.read(["x"], ["text"])["text"].to_pylist()) == chunks
