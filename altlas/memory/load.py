"""The load: documents through the whole path, from HTTP to the model, by a number of clients at a time."""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from altlas.walkthrough.client import Answer, ApiClient

# Load level -> clients that each send one request after the other.
LEVELS: Final = {"low": 1, "mid": 4, "high": 16}
_REFUSED_EVERY: Final = 50  # every so many requests one is bad: error paths must not keep anything either
_BATCH_EVERY: Final = 12
_MEANT = (201, 202, 400)  # done, still under way after the longest wait, refused as it should be


def sentences(language: str) -> list[str]:
    """Return pieces of a sample document (``tr`` or ``en``) of about a sentence each."""
    text = (Path(settings.BASE_DIR) / "docs" / "samples" / f"{language}-sample.txt").read_text(encoding="utf-8")
    return [piece for piece in re.split(r"(?<=[.!?])\s+", text.strip()) if piece]


def bodies(*, model: str, seed: int, longest: int = 12) -> Iterator[dict[str, Any]]:
    """Yield request bodies without end: documents of 1 to ``longest`` sentences in changing order and length.

    A document is Turkish or English; every so many is a mixture of both and comes as a batch, which goes by the queue.
    """
    rng = random.Random(seed)  # noqa: S311  # repeatable load, guards nothing
    pools = [sentences("tr"), sentences("en")]
    both = pools[0] + pools[1]
    number = 0
    while True:
        number += 1
        if number % _REFUSED_EVERY == 0:
            yield {"text": "x", "strategy": "no-such-strategy"}
            continue
        pool = both if number % _BATCH_EVERY == 0 else pools[number % 2]
        text = " ".join(rng.choices(pool, k=rng.randint(1, longest)))
        what = {"texts": [text]} if pool is both else {"text": text}
        yield {**what, "strategy": "topic", "model": model, "archive": False}


@dataclass(kw_only=True)
class Load:
    """``clients`` threads that share one account; ``answers`` counts statuses."""

    url: str
    account: tuple[str, str]
    clients: int
    model: str
    seed: int = 0
    longest: int = 12
    answers: Counter[int] = field(default_factory=Counter)
    _token: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """End ``run`` early: requests that are under way are still answered, no more are sent."""
        self._over.set()

    def run(self, requests: int, *, every: int, at: Callable[[int], None], seed: int = 0) -> None:
        """Send ``requests`` requests and call ``at(done)`` after every ``every``, while the next ones are under way.

        Returns early after ``stop``.

        Raises:
            OSError, UnexpectedAnswer: the installation went away or cannot log us in.
        """
        self._over.clear()
        source = bodies(model=self.model, seed=self.seed + seed, longest=self.longest)
        counted = 0
        done = threading.Semaphore(0)

        def work() -> None:
            with ApiClient(self.url) as client:
                while not self._over.is_set():
                    with self._lock:
                        nonlocal counted
                        if counted >= requests:
                            return
                        counted += 1
                        body = next(source)
                    self._send(client, body)
                    done.release()

        with ThreadPoolExecutor(self.clients) as pool:
            futures = [pool.submit(work) for _ in range(self.clients)]
            try:
                for number in range(1, requests + 1):
                    while not done.acquire(timeout=1.0) and not self._over.is_set():
                        _raise_of(futures)
                    if self._over.is_set():
                        break
                    if number % every == 0:
                        at(number)
            finally:
                self._over.set()
        _raise_of(futures)

    def _send(self, client: ApiClient, body: dict[str, Any]) -> None:
        client.token = self._token or self._login(client)
        answer = self._post(client, body)
        if answer.status == 401:
            # The token has lived its minutes; whoever sees it first logs in for all.
            client.token = self._login(client)
            answer = self._post(client, body)
        with self._lock:
            self.answers[answer.status] += 1

    @staticmethod
    def _post(client: ApiClient, body: dict[str, Any]) -> Answer:
        answers = (201, 202, 400, 401, 429, 503, 504)  # counted; anything else ends the run
        return client.call("POST", "/api/v1/segmentations", body, headers={"Prefer": "wait=60"}, expect=answers)

    def _login(self, client: ApiClient) -> str:
        stale = client.token
        with self._lock:
            if self._token == stale or not self._token:
                client.token = ""
                name, password = self.account
                told = client.call("POST", "/api/v1/auth/token", {"username": name, "password": password}).body
                self._token = str(told["access"])
            return self._token

    @property
    def failed(self) -> int:
        """Return how many requests got neither a result nor the refusal that they were meant to get."""
        return sum(count for status, count in self.answers.items() if status not in _MEANT)


def _raise_of(futures: Sequence[Any]) -> None:
    for future in futures:
        if future.done() and future.exception() is not None:
            raise future.exception()
