"""The front door: HTTP as a client of this installation would speak it, with times and statuses kept."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from altlas.kernel.verification.contract import Account

TIMEOUT = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """``status`` 0: no answer came; ``error`` says why."""

    status: int
    seconds: float
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""


class Door:
    """One connection to the server, used by one thread; never raises for what the server does."""

    def __init__(self, url: str, token: str = "", *, timeout: float = TIMEOUT) -> None:
        self.url, self.token, self.timeout = url, token, timeout
        self._connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> Door:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        sent = {"Accept": "application/json", "User-Agent": "altlas-verify", **(headers or {})}
        if self.token and "Authorization" not in sent:
            sent["Authorization"] = f"Bearer {self.token}"
        payload = None
        if body is not None:
            payload = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
            sent.setdefault("Content-Type", "application/json")
        target = path + (f"?{urlencode(query, doseq=True)}" if query else "")
        begun = time.perf_counter()
        try:
            response, raw = self._exchange(method, target, payload, sent)
        except (OSError, http.client.HTTPException) as exc:
            self.close()
            return Reply(status=0, seconds=time.perf_counter() - begun, error=f"{type(exc).__name__}: {exc}")
        seconds = time.perf_counter() - begun
        return Reply(
            status=response.status,
            seconds=seconds,
            body=_parsed(raw),
            headers={key.lower(): value for key, value in response.getheaders()},
        )

    def get(self, path: str, **query: Any) -> Reply:
        return self.call("GET", path, query=query or None)

    def post(self, path: str, body: Any, **headers: str) -> Reply:
        return self.call("POST", path, body, headers={key.replace("_", "-"): value for key, value in headers.items()})

    def log_in(self, account: Account) -> Reply:
        """Log in and use the access token from now on."""
        reply = self.post("/api/v1/auth/token", {"username": account.username, "password": account.password})
        if reply.ok:
            self.token = str(reply.body["access"])
        return reply

    def _exchange(
        self, method: str, target: str, payload: bytes | None, sent: Mapping[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        fresh = self._connection is None
        try:
            return self._send(method, target, payload, sent)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            # The server may close an idle connection at the very moment it is used again; a new one says the truth.
            self.close()
            if fresh:
                raise
            return self._send(method, target, payload, sent)

    def _send(
        self, method: str, target: str, payload: bytes | None, sent: Mapping[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        if self._connection is None:
            parts = urlsplit(self.url)
            kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
            self._connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=self.timeout)
        self._connection.request(method, target, payload, dict(sent))
        response = self._connection.getresponse()
        return response, response.read()


def crowd(
    *, threads: int, times: int, work: Callable[[Door, int], Reply], url: str, token: str
) -> Iterator[tuple[int, Reply]]:
    """Have ``threads`` clients do ``work`` until it was done ``times``; yield (number, reply) as they come.

    Leaving the loop early stops the clients.
    """
    numbers, lock, found = iter(range(times)), threading.Lock(), _Mailbox()

    def client() -> None:
        with Door(url, token) as door:
            while not found.closed:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    break
                found.put((number, work(door, number)))

    with found.filled_by([threading.Thread(target=client, daemon=True) for _ in range(threads)]):
        yield from found.take(times)


class _Mailbox:
    def __init__(self) -> None:
        self.closed = False
        self._items: list[tuple[int, Reply]] = []
        self._arrived = threading.Condition()

    def put(self, item: tuple[int, Reply]) -> None:
        with self._arrived:
            self._items.append(item)
            self._arrived.notify()

    def take(self, count: int) -> Iterator[tuple[int, Reply]]:
        for _ in range(count):
            with self._arrived:
                if not self._arrived.wait_for(lambda: bool(self._items), timeout=2 * TIMEOUT):
                    return
                item = self._items.pop(0)
            yield item

    @contextmanager
    def filled_by(self, threads: list[threading.Thread]) -> Iterator[None]:
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.closed = True
            for thread in threads:
                thread.join(2 * TIMEOUT)


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode(errors="replace")
