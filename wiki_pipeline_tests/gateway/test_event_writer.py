"""Requests that wait are written together, each is answered for itself, and nothing of one holds up another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from wiki_pipeline.catalog import Catalog, EventBatch, Origin
from wiki_pipeline.errors import CatalogError, ChangeRefusedError
from wiki_pipeline.gateway.event_writer import EventWriter
from wiki_pipeline.model import ChangeHint
from wiki_pipeline_tests.installation import ENG


class Recording:
    """The catalog's `record`, with the sizes of its transactions; holds the first one until it is let go."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.sizes: list[int] = []
        self.go = threading.Event()

    def __call__(self, batches: Sequence[EventBatch]) -> list[int]:
        assert self.go.wait(30)
        self.sizes.append(len(batches))
        return self.catalog.events.record(batches)


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    with Catalog(f"sqlite:///{tmp_path}/catalog.sqlite") as catalog:
        catalog.add_source(ENG, "{}")
        yield Recording(catalog)


def batch(page: int, hints: int = 1) -> EventBatch:
    names = (f"{page}-{number}" for number in range(hints))
    return EventBatch(
        "default", Origin.WEBHOOK, [ChangeHint("confluence", ENG, name, "page_updated") for name in names]
    )


async def until_written(recording: Recording, requests: Sequence[asyncio.Task[int]]) -> list[int | BaseException]:
    """Let the writer go once all of the requests wait, and return their answers."""
    await asyncio.sleep(0)
    recording.go.set()
    return await asyncio.gather(*requests, return_exceptions=True)


def test_what_waits_is_written_together_and_each_is_told_its_own(recording: Recording) -> None:
    async def main() -> list[int | BaseException]:
        writer = EventWriter(recording, 100)
        writer.start()
        requests = [asyncio.create_task(writer.take([batch(page, page % 3 + 1)])) for page in range(60)]
        answers = await until_written(recording, requests)
        await writer.close()
        return answers

    assert asyncio.run(main()) == [page % 3 + 1 for page in range(60)]
    assert sum(recording.sizes) == 60
    assert len(recording.sizes) <= 3
    assert len(recording.catalog.events.find("default", limit=1_000)) == 120


def test_too_many_that_wait_are_refused_and_the_others_written(recording: Recording) -> None:
    async def main() -> list[int | BaseException]:
        writer = EventWriter(recording, 5)
        requests = [asyncio.create_task(writer.take([batch(page)])) for page in range(8)]
        await asyncio.sleep(0)
        writer.start()
        answers = await until_written(recording, requests)
        await writer.close()
        return answers

    answers = asyncio.run(main())
    assert answers[:5] == [1] * 5
    assert all(isinstance(answer, CatalogError) for answer in answers[5:])


def test_one_that_is_refused_takes_no_other_along(recording: Recording) -> None:
    def record(batches: Sequence[EventBatch]) -> list[int]:
        if any(hint.document_id == "3-0" for each in batches for hint in each.hints):
            raise ChangeRefusedError("Its source is gone.")
        return recording(batches)

    async def main() -> list[int | BaseException]:
        writer = EventWriter(record, 100)
        writer.start()
        requests = [asyncio.create_task(writer.take([batch(page)])) for page in range(6)]
        answers = await until_written(recording, requests)
        await writer.close()
        return answers

    answers = asyncio.run(main())
    assert isinstance(answers[3], ChangeRefusedError)
    assert [answer for number, answer in enumerate(answers) if number != 3] == [1] * 5


def test_a_defect_is_answered_without_its_text_and_the_next_is_written(recording: Recording) -> None:
    failing = iter([True])

    def record(batches: Sequence[EventBatch]) -> list[int]:
        if next(failing, False):
            raise ZeroDivisionError("a secret")
        return recording(batches)

    async def main() -> tuple[str, int]:
        writer = EventWriter(record, 100)
        writer.start()
        recording.go.set()
        with pytest.raises(CatalogError) as caught:
            await writer.take([batch(1)])
        again = await writer.take([batch(1)])
        await writer.close()
        return str(caught.value), again

    message, again = asyncio.run(main())
    assert "secret" not in message
    assert again == 1


def test_a_client_that_goes_away_holds_nothing_up_and_closing_writes_what_waits(recording: Recording) -> None:
    async def main() -> list[int | BaseException]:
        writer = EventWriter(recording, 100)
        writer.start()
        requests = [asyncio.create_task(writer.take([batch(page)])) for page in range(3)]
        await asyncio.sleep(0)
        requests[1].cancel()
        recording.go.set()
        await writer.close()
        return await asyncio.gather(*requests, return_exceptions=True)

    first, gone, last = asyncio.run(main())
    assert (first, last) == (1, 1)
    assert isinstance(gone, asyncio.CancelledError)
    assert len(recording.catalog.events.find("default", limit=10)) == 3
