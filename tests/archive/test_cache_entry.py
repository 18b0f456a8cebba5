from __future__ import annotations

import random

from hypothesis import example, given
from hypothesis import strategies as st

from archive.cache.entry import Entry, Rendered, lifetime


def entry(*, delta: float = 0.1, expires: float = 100.0) -> Entry:
    return Entry(generation=b"7", expires=expires, delta=delta, answer=Rendered(body=b"{}", etag='"e"', link="<a>"))


def test_an_entry_survives_packing() -> None:
    assert Entry.unpack(entry().pack()) == entry()


@given(raw=st.binary(max_size=60))
@example(raw=b"\xa6abcdef")
@example(raw=b"\x96\x00\x00\x00\x00\x00\x00")
@example(raw=b"\xc4\x06abcdef")
def test_foreign_bytes_are_no_entry(raw: bytes) -> None:
    assert Entry.unpack(raw) is None


def test_an_expired_entry_is_always_due_and_a_young_one_hardly_ever() -> None:
    dice = random.Random(1)
    assert all(entry().due(now=100, dice=1 - dice.random()) for _ in range(1000))
    assert not any(entry().due(now=90, dice=1 - dice.random()) for _ in range(1000))


def test_a_dearer_answer_is_refreshed_earlier() -> None:
    dice = random.Random(1)
    draws = [1 - dice.random() for _ in range(5000)]
    early = [sum(entry(delta=delta).due(now=99.5, dice=draw) for draw in draws) for delta in (0.01, 0.1, 1.0)]
    assert early[0] < early[1] < early[2]


def test_lifetimes_differ_by_a_tenth_at_most() -> None:
    assert [lifetime(10, dice=dice) for dice in (0.0, 0.5, 1.0)] == [9.0, 10.0, 11.0]
