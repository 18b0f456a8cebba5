"""Request bodies that come in chunks reach the views of a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.stack import Stack

pytestmark = pytest.mark.stack


def in_pieces(body: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


def test_a_body_in_chunks_is_read_like_any_other(stack: Stack) -> None:
    with stack.logged_in() as client:
        wanted = {"model": "all-minilm-l6-v2", "version": "nine"}
        body = json.dumps(wanted).encode()
        headers = {"Content-Type": "application/json"}
        address = "/api/v1/models/all-minilm-l6-v2/unload"
        for size in (1, 7, len(body)):
            answer = client.post(address, content=in_pieces(body, size), headers=headers)
            assert answer.status_code == 404, answer.text
            assert "nine" in answer.json()["detail"]
        answer = client.post("/v2/repository/index", content=in_pieces(b'{"ready": "no"}', 4), headers=headers)
        assert answer.status_code == 400
        assert client.post("/v2/repository/index", content=in_pieces(b"", 1), headers=headers).status_code == 200
        assert client.get("/api/v1/models").status_code == 200  # on the same connection


def test_more_chunks_than_a_body_may_have_are_refused(stack: Stack) -> None:
    with stack.logged_in() as client:
        piece = b" " * 2**20
        answer = client.post("/v2/repository/index", content=(piece for _ in range(33)))
        assert answer.status_code == 413, answer.text
