"""Webhooks on a bad network: signed as their senders do, then lost, doubled, late and out of order."""

from __future__ import annotations

import hashlib
import heapq
import hmac
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from wiki_pipeline_tests.e2e.services import SECRET
from wiki_pipeline_tests.e2e.upstream import Told

_LOST, _DOUBLED = 0.15, 0.25
_LATEST_SECONDS = 4.0
_TRIES = 4  # of a sender that gets no answer


@dataclass(order=True)
class _Delivery:
    due: float
    number: int
    told: Told = field(compare=False)
    id: str = field(compare=False)
    tries: int = field(compare=False, default=0)


class Postman:
    """Delivers in a thread of its own what it is given, until it is told to finish.

    Attributes:
        accepted: ids of the deliveries that were answered 202.
        answers: how many there were of each status; 0 stands for none.
    """

    def __init__(self, gateway: str, draw: random.Random) -> None:
        self.accepted: set[str] = set()
        self.answers: Counter[int] = Counter()
        self._gateway = gateway
        self._draw = draw
        self._waiting: list[_Delivery] = []
        self._changed = threading.Condition()
        self._number = 0
        self._finishing = False
        self._thread = threading.Thread(target=self._deliver, name="postman", daemon=True)
        self._thread.start()

    def take(self, told: Told) -> None:
        """Take a webhook, which may get lost here."""
        with self._changed:
            self._number += 1
            if self._draw.random() < _LOST:
                return
            for _ in range(2 if self._draw.random() < _DOUBLED else 1):
                due = time.monotonic() + self._draw.uniform(0, _LATEST_SECONDS)
                heapq.heappush(self._waiting, _Delivery(due, self._number, told, f"delivery-{self._number}"))
            self._changed.notify()

    def finish(self) -> None:
        """Deliver what is left; returns when there is nothing."""
        with self._changed:
            self._finishing = True
            self._changed.notify()
        self._thread.join()

    def _deliver(self) -> None:
        with httpx.Client(base_url=self._gateway, timeout=30, trust_env=False) as client:
            while (delivery := self._next()) is not None:
                status = self._post(client, delivery)
                self.answers[status] += 1
                if status == 202:
                    self.accepted.add(delivery.id)
                elif (status == 0 or status >= 500) and delivery.tries < _TRIES:
                    again = _Delivery(time.monotonic() + 1, delivery.number, delivery.told, delivery.id)
                    again.tries = delivery.tries + 1
                    with self._changed:
                        heapq.heappush(self._waiting, again)

    def _next(self) -> _Delivery | None:
        """The next one, when it is due; None after the last."""
        with self._changed:
            while not (self._finishing and not self._waiting):
                left = self._waiting[0].due - time.monotonic() if self._waiting else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._waiting)
                self._changed.wait(left)
        return None

    def _post(self, client: httpx.Client, delivery: _Delivery) -> int:
        told = delivery.told
        headers = signed(told, delivery.id)
        try:
            return client.post(f"/webhook/{told.path}", content=told.body, headers=headers).status_code
        except httpx.HTTPError:
            return 0


def signed(told: Told, delivery_id: str) -> Mapping[str, str]:
    """Headers of a delivery, as its sender makes them."""
    signature = f"sha256={hmac.new(SECRET.encode(), told.body, hashlib.sha256).hexdigest()}"
    if told.path == "git-push":
        return {"X-Hub-Signature-256": signature, "X-GitHub-Event": "push", "X-GitHub-Delivery": delivery_id}
    return {"X-Hub-Signature": signature, "X-Atlassian-Webhook-Identifier": delivery_id}
