"""Taking messages in: durably before the answer, and many in one transaction.

What waits while a transaction is committed goes into the next one, and while there is more than one at a time some
milliseconds are waited for others. So a thousand messages a second cost a hundred commits, and a lone one waits for
nobody.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
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
    """Messages of one request, and whom to tell."""

    messages: Sequence[EventBatch]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[int]


class EventWriter:
    """A thread that writes, and those who wait for it.

    Args:
        record: `catalog.events.record`: takes messages in, in one transaction, and says how many hints of each are new.
        most_waiting: requests that may wait at once.
    """

    def __init__(self, record: Record, most_waiting: int) -> None:
        self._record = record
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(most_waiting)
        self._thread = threading.Thread(target=self._work, name="intake", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    async def take(self, messages: Sequence[EventBatch]) -> int:
        """Take messages in. Returns how many of their hints were new, once that is durable.

        Raises:
            CatalogError: it can't be written, or too many wait for that. Nothing was promised.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(messages, loop, loop.create_future())
        try:
            self._queue.put_nowait(waiting)
        except queue.Full:
            raise CatalogError("Too much is waiting to be written.", "Send it again later.") from None
        return await waiting.answer

    def close(self) -> None:
        """Write what waits, and end."""
        self._queue.put(None)
        self._thread.join(_END_SECONDS)

    def _work(self) -> None:
        busy = False
        while (first := self._queue.get()) is not None:
            batch, ended = [first], False
            if busy:  # a transaction costs the processor as much as dozens of messages
                time.sleep(_GATHER_SECONDS)
            while len(batch) < _AT_ONCE and not ended:
                try:
                    following = self._queue.get_nowait()
                except queue.Empty:
                    break
                ended = following is None
                if following is not None:
                    batch.append(following)
            busy = len(batch) > 1
            self._write(batch)
            if ended:
                return

    def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            new = iter(self._record([message for waiting in batch for message in waiting.messages]))
            results = [(waiting, sum(next(new) for _ in waiting.messages)) for waiting in batch]
        except ChangeRefusedError as error:
            if len(batch) == 1:
                _tell(batch, error)
                return
            for waiting in batch:  # one whose source was removed meanwhile must not take the others along
                self._write([waiting])
            return
        except WikiPipelineError as error:
            _tell(batch, error)
            return
        except Exception:  # the thread must not end of a defect: nothing would be taken in any more
            log.exception("Messages could not be written.")
            _tell(batch, CatalogError("The catalog could not be written."))
            return
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Waiting, int]]] = {}
        for waiting, count in results:
            by_loop.setdefault(waiting.loop, []).append((waiting, count))
        for loop, told in by_loop.items():
            _soon(loop, _answer, told)


def _tell(batch: Sequence[_Waiting], error: WikiPipelineError) -> None:
    for waiting in batch:
        _soon(waiting.loop, _fail, waiting, error)


def _soon(loop: asyncio.AbstractEventLoop, what: Callable[..., None], *arguments: object) -> None:
    try:
        loop.call_soon_threadsafe(what, *arguments)
    except RuntimeError:  # the loop is closed: nobody waits any more
        return


def _answer(told: Sequence[tuple[_Waiting, int]]) -> None:
    for waiting, count in told:
        if not waiting.answer.done():
            waiting.answer.set_result(count)


def _fail(waiting: _Waiting, error: WikiPipelineError) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)
