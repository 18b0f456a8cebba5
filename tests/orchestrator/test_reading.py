"""Texts are read a few at a time and not to their end; the tokens are those of one call for all."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.runner.loaders import reading
from orchestrator.runner.loaders.reading import read
from tests.orchestrator import tiny

TEXTS = ["the cat sleeps", "", "tea " * 90, "who"] * 3


class Watched:
    """A tokenizer that keeps the number of characters of every call."""

    def __init__(self) -> None:
        self._plain = tiny.tokenizer()
        self.calls: list[int] = []

    def __call__(self, *columns: list[str], **how: Any) -> Any:
        self.calls.append(sum(len(text) for column in columns for text in column))
        return self._plain(*columns, **how)


@pytest.mark.parametrize("columns", [(TEXTS,), (TEXTS, TEXTS[::-1])])
def test_pieces_together_are_what_one_call_returns(
    monkeypatch: pytest.MonkeyPatch, columns: tuple[list[str], ...]
) -> None:
    monkeypatch.setattr(reading, "_AT_ONCE", 20)
    watched = Watched()
    found = read(watched, *columns, max_tokens=16, return_offsets_mapping=True)
    whole = tiny.tokenizer()(
        *columns, truncation="longest_first" if len(columns) == 2 else True, max_length=16, return_offsets_mapping=True
    )
    assert found == dict(whole) and len(watched.calls) > 3


def test_of_a_text_without_end_no_more_is_read_than_has_the_tokens() -> None:
    watched = Watched()
    found = read(watched, ["tea " * 1_000_000] * 20, max_tokens=64)
    assert found["input_ids"] == tiny.tokenizer()(["tea " * 100] * 20, truncation=True, max_length=64)["input_ids"]
    assert max(watched.calls) < 60_000
