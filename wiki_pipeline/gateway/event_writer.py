"""Writing events: durably before the answer, and many requests in one transaction.

What waits while a transaction is committed goes into the next one, and while there is more than one at a time some
milliseconds are waited for others. So a thousand requests a second cost a hundred commits, and a lone one waits for no
other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from wiki_pipeline.catalog import EventBatch
from wiki_pipeline.errors import CatalogError, ChangeRefusedError, WikiPipelineError

log = logging.getLogger(__name__)

_AT_ONCE = 500
_END_SECONDS = 10.0
_GATHER_SECONDS = 0.005

Record = Callable[[Sequence[EventBatch]], list[int]]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The events of one request, and its answer."""

    batches: Sequence[EventBatch]
    answer: asyncio.Future[int]


class EventWriter:
    """A queue of requests and the one task that writes them. For the event loop that starts it.

    Args:
        record: `catalog.events.record`: writes batches in one transaction and returns how many hints of each are new.
        most_waiting: requests that may wait at once.
    """

    def __init__(self, record: Record, most_waiting: int) -> None:
        self._record = record
        self._queue: asyncio.Queue[_Waiting | None] = asyncio.Queue(most_waiting)
        # Of its own: the event loop's threads may all be busy with readers.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="event-writer")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._work())

    async def take(self, batches: Sequence[EventBatch]) -> int:
        """Write events. Returns how many of their hints were new, once that is durable.

        Raises:
            CatalogError: it can't be written, or too many wait for that. Nothing was promised.
        """
        waiting = _Waiting(batches, asyncio.get_running_loop().create_future())
        try:
            self._queue.put_nowait(waiting)
        except asyncio.QueueFull:
            raise CatalogError("Too much is waiting to be written.", "Send it again later.") from None
        return await waiting.answer

    async def close(self) -> None:
        """Write what waits, and end."""
        if self._task is not None:
            await self._queue.put(None)
            await asyncio.wait([self._task], timeout=_END_SECONDS)
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _work(self) -> None:
        busy = False
        while (first := await self._queue.get()) is not None:
            batch, ended = [first], False
            if busy:  # a transaction costs the processor as much as dozens of messages
                await asyncio.sleep(_GATHER_SECONDS)
            while len(batch) < _AT_ONCE and not ended and not self._queue.empty():
                following = self._queue.get_nowait()
                ended = following is None
                if following is not None:
                    batch.append(following)
            busy = len(batch) > 1
            await self._write(batch)
            if ended:
                return

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        batches = [one for waiting in batch for one in waiting.batches]
        try:
            new = iter(await asyncio.get_running_loop().run_in_executor(self._thread, self._record, batches))
        except ChangeRefusedError as error:
            if len(batch) == 1:
                _fail(batch, error)
                return
            for waiting in batch:  # one whose source was removed meanwhile must not take the others along
                await self._write([waiting])
            return
        except WikiPipelineError as error:
            _fail(batch, error)
            return
        except Exception:  # the task must not end of a defect: nothing would be written any more
            log.exception("Events could not be written.")
            _fail(batch, CatalogError("The catalog could not be written."))
            return
        for waiting in batch:
            count = sum(next(new) for _ in waiting.batches)
            if not waiting.answer.done():  # a client that has gone away cancels it
                waiting.answer.set_result(count)


def _fail(batch: Sequence[_Waiting], error: WikiPipelineError) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
