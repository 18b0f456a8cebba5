"""Small requests with large answers: refused before the model runs, by what they ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestrator.runner.errors import RunnerError
from orchestrator.runner.loaders import transformer
from tests.orchestrator import tiny
from tests.orchestrator.test_loaders import opened, probabilities, reference, run


@pytest.mark.parametrize(
    ("task", "inputs", "params", "said"),
    [
        ("fill-mask", ["[MASK] " * 60, "tea [MASK]"] * 2, {"top_k": 1000}, "122000 fills.*top_k"),
        ("sequence-classification", ["tea"] * 33_334, {}, "100002 labels.*top_k"),
        ("token-classification", ["tea " * 62] * 1563, {"aggregation": "none"}, "100032 tokens.*simple"),
    ],
)
def test_more_entries_than_one_answer_holds_are_refused(
    tmp_path: Path, task: str, inputs: list[str], params: dict[str, Any], said: str
) -> None:
    loader = opened(tiny.make(tmp_path, task, labels=3), task)
    with pytest.raises(RunnerError, match=said) as caught:
        loader.encode(inputs, params)
    assert caught.value.code == "invalid_inputs"
    assert len(loader.encode(inputs, {"top_k": 1, "aggregation": "simple"})) == len(inputs)


def test_as_many_fills_as_one_answer_holds_are_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = opened(tiny.make(tmp_path, "fill-mask"), "fill-mask")
    monkeypatch.setattr(transformer, "MOST_ENTRIES", 6)
    found = run(loader, ["the [MASK] likes [MASK]", "[MASK]"], {"top_k": 2})
    assert [[len(fills) for fills in masks] for masks in found] == [[2, 2], [2]]


def test_a_large_top_k_answers_the_whole_vocabulary_in_order_and_decodes_each_token_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny.make(tmp_path, "fill-mask")
    loader = opened(folder, "fill-mask")
    plain, decoded = loader.tokenizer.decode, []

    def counted(ids: list[int]) -> str:
        decoded.extend(ids)
        return str(plain(ids))

    monkeypatch.setattr(loader.tokenizer, "decode", counted)
    text = "the [MASK] likes [MASK] engines"
    (found,) = run(loader, [text], {"top_k": 1000})

    words = len(loader.tokenizer)
    assert sorted(decoded) == list(range(words))
    for fills, place in zip(found, [2, 4], strict=True):
        expected = probabilities(reference(folder, "AutoModelForMaskedLM", text))[place]
        assert [fill["token_id"] for fill in fills] == np.argsort(-expected).tolist()
        assert np.allclose([fill["score"] for fill in fills], np.sort(expected)[::-1], atol=1e-6)
        assert [fill["token"] for fill in fills] == [plain([fill["token_id"]]) for fill in fills]
