"""A small JSON client on the standard library: what the walkthrough shows needs nothing installed."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import urlencode, urlsplit

_TIMEOUT = 90.0


class UnexpectedAnswer(Exception):
    """The server answered with another status than the step expects."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class ApiClient:
    """Talks to one server; holds the access token after ``login``."""

    url: str
    token: str = ""
    _connection: http.client.HTTPConnection = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=_TIMEOUT)

    def __enter__(self) -> ApiClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        expect: tuple[int, ...] = (200,),
    ) -> Answer:
        """Send one request.

        Raises:
            UnexpectedAnswer: the status is none of ``expect``; the message quotes the answer.
            OSError: the server cannot be reached.
        """
        sent = {"Accept": "application/json", **(headers or {})}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        payload = None
        if body is not None:
            payload = json.dumps(body, ensure_ascii=False).encode()
            sent["Content-Type"] = "application/json"
        target = path + (f"?{urlencode(query)}" if query else "")
        self._connection.request(method, target, payload, sent)
        response = self._connection.getresponse()
        raw = response.read()
        answer = Answer(
            status=response.status,
            headers={key.lower(): value for key, value in response.getheaders()},
            body=json.loads(raw) if raw else None,
        )
        if answer.status not in expect:
            raise UnexpectedAnswer(f"{method} {target} answered {answer.status}: {raw[:500].decode(errors='replace')}")
        return answer
