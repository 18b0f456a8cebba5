"""Inputs that are token ids already, as OpenAI's embeddings endpoint takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.runner.errors import RunnerError


def is_ids(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(type(part) is int for part in value)


def framed(tokenizer: Any, ids: Sequence[int], *, max_tokens: int) -> list[int]:
    """Return ``ids`` of the model's own vocabulary between its special tokens, cut at ``max_tokens``.

    Raises:
        RunnerError: ``invalid_inputs``: an id is not in the vocabulary.
    """
    size = len(tokenizer)
    wrong = next((number for number in ids if not 0 <= number < size), None)
    if wrong is not None:
        raise RunnerError("invalid_inputs", f"The token id {wrong} is not in the model's vocabulary of {size}.")
    before, after = _frame(tokenizer)
    return [*before, *ids[: max_tokens - len(before) - len(after)], *after]


def _frame(tokenizer: Any) -> tuple[list[int], list[int]]:
    """Return the special tokens that the tokenizer puts before and after a text."""
    inside = tokenizer("a", add_special_tokens=False)["input_ids"]
    whole = tokenizer("a")["input_ids"]
    place = next((at for at in range(len(whole)) if whole[at : at + len(inside)] == inside), 0)
    return list(whole[:place]), list(whole[place + len(inside) :])
