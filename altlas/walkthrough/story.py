"""The steps of the main job and how they are told."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from altlas.walkthrough.client import ApiClient, UnexpectedAnswer

_POLL_EVERY = 0.2
_LONGEST_RUN = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A document and two queries that must find it: by words in it, and by meaning in other words."""

    file: Path
    words: str
    meaning: str


class Narrator:
    """Writes one line per step with its duration."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self.write = write
        self.step = 0

    @contextmanager
    def telling(self, what: str) -> Iterator[list[str]]:
        """Time the block; the strings it appends to the list become indented lines."""
        self.step += 1
        details: list[str] = []
        begun = time.perf_counter()
        yield details
        took = time.perf_counter() - begun
        self.write(f"{self.step:>2}. {what:<58} {took * 1000:>8.0f} ms")
        for detail in details:
            self.write(f"      {detail}")


def play(client: ApiClient, sample: Sample, *, username: str, password: str, say: Narrator) -> None:
    """Log in, segment, archive, find, log out.

    Raises:
        UnexpectedAnswer: a step did not give what it must; nothing after it is played.
        OSError: the server cannot be reached.
    """
    text = sample.file.read_text(encoding="utf-8")
    with say.telling(f"logged in as {username}") as told:
        tokens = client.call("POST", "/api/v1/auth/token", {"username": username, "password": password}).body
        client.token = tokens["access"]
        told.append(f"access token for {tokens['expires_in']} s, refresh token beside it")
    with say.telling(f"{sample.file.name}: sentences") as told:
        sentences = _segment(client, text, "sentence", archive=False)
        _check_offsets(text, sentences["segments"])
        told.append(
            f"{len(text):,} characters, {len(sentences['segments'])} sentences, language {sentences['language']}"
        )
        told += [_shown(segment) for segment in sentences["segments"][:3]]
    with say.telling(f"{sample.file.name}: topics, kept in the archive") as told:
        topics = _segment(client, text, "topic", archive=True)
        _check_offsets(text, topics["segments"])
        told.append(f"{len(topics['segments'])} topics by {topics['model']}, record {topics['record_id']}")
        told += [_shown(segment) for segment in topics["segments"]]
    record = topics["record_id"]
    with say.telling("the archive lists it first"):
        page = client.call("GET", "/api/v1/archive/records", query={"limit": 5}).body
        _must_hold(record, page["results"][:1])
    with say.telling(f"found by its words: “{sample.words}”") as told:
        told += _found(client, record, sample.words, "text")
    with say.telling(f"found by its meaning: “{sample.meaning}”") as told:
        told += _found(client, record, sample.meaning, "semantic")
    with say.telling("logged out; the token is refused from now on") as told:
        client.call("POST", "/api/v1/auth/logout", {"refresh": tokens["refresh"]}, expect=(200, 204, 205))
        refused = client.call("GET", "/api/v1/auth/me", expect=(401,))
        told.append(f"401 {refused.body['code']}: {refused.body['detail']}")
        client.token = ""


def _segment(client: ApiClient, text: str, strategy: str, *, archive: bool) -> Any:
    body = {"text": text, "strategy": strategy, "archive": archive}
    answer = client.call("POST", "/api/v1/segmentations", body, headers={"Prefer": "wait=30"}, expect=(201, 202))
    deadline = time.monotonic() + _LONGEST_RUN
    while answer.body["status"] in ("queued", "running"):
        if time.monotonic() > deadline:
            raise UnexpectedAnswer(f"run {answer.body['id']} is still {answer.body['status']}")
        time.sleep(_POLL_EVERY)
        location = urlsplit(answer.headers.get("location", f"/api/v1/segmentations/{answer.body['id']}")).path
        answer = client.call("GET", location)
    if answer.body["status"] != "succeeded":
        raise UnexpectedAnswer(f"run {answer.body['id']} ended as {answer.body['status']}: {answer.body}")
    return answer.body


def _check_offsets(text: str, segments: list[dict[str, Any]]) -> None:
    for segment in segments:
        if text[segment["start"] : segment["end"]] != segment["text"]:
            raise UnexpectedAnswer(f"segment {segment['index']} is not text[{segment['start']}:{segment['end']}]")


def _found(client: ApiClient, record: str, query: str, mode: str) -> list[str]:
    results = client.call("GET", "/api/v1/archive/search", query={"q": query, "mode": mode, "limit": 5}).body["results"]
    _must_hold(record, results)
    hit = next(result for result in results if result["id"] == record)
    return [f"score {hit['score']:.3f}  {textwrap.shorten(hit.get('highlight') or hit['title'], 90)}"]


def _must_hold(record: str, results: list[dict[str, Any]]) -> None:
    if record not in [result["id"] for result in results]:
        raise UnexpectedAnswer(f"record {record} is not among {[result['id'] for result in results]}")


def _shown(segment: dict[str, Any]) -> str:
    text = textwrap.shorten(segment["text"], 80, placeholder=" …")
    return f"[{segment['start']:>6}:{segment['end']:>6}] {segment['score']:.2f}  {text}"
