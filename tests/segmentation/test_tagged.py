"""Sentences by a model that labels tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from rest_framework.test import APIClient

from orchestrator.models import Model, Task
from orchestrator.services import InferenceResult
from segmentation.algorithms.sentence.tagged import CONTEXT, WINDOW, split_tagged
from segmentation.algorithms.spans import is_exact


def tag(texts: Sequence[str]) -> list[list[dict[str, Any]]]:
    """Label what ends with a bar, as a model that has learned that would."""
    return [
        [
            {
                "label": "B" if match[0].endswith("|") else "O",
                "score": 0.8,
                "start": match.start(),
                "end": match.end(),
            }
            for match in re.finditer(r"\S+", text)
        ]
        for text in texts
    ]


def test_windows_do_not_change_what_the_model_says() -> None:
    text = "bir iki üç| dört beş| " * 200
    spans = split_tagged(text, tag, threshold=0.5)
    assert is_exact(len(text), spans)
    assert [span.end for span in spans[:-1]] == [match.end() for match in re.finditer(r"\| ", text)][:-1]
    assert split_tagged(text, tag, threshold=0.9)[0].end == len(text)


def test_no_window_is_longer_than_a_model_reads() -> None:
    seen: list[int] = []

    def watching(texts: Sequence[str]) -> list[list[dict[str, Any]]]:
        seen.extend(map(len, texts))
        return tag(texts)

    split_tagged("x" * 5000, watching, threshold=0.5)
    assert max(seen) <= WINDOW + 2 * CONTEXT


@pytest.mark.django_db
def test_a_registered_model_of_that_task_can_be_chosen(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    Model.objects.create(name="sat-tiny", task=Task.TOKEN_CLASSIFICATION)

    def infer(*, model: str, inputs: Sequence[str], task: str = "", **more: Any) -> InferenceResult:
        if task != Task.TOKEN_CLASSIFICATION:
            raise AssertionError("vectors come from another model")
        assert model == "sat-tiny"
        assert more["params"] == {"aggregation": "none"}
        import numpy as np

        empty = np.zeros((0, 0), dtype=np.float32)
        return InferenceResult(model=model, version="1", outputs=empty, node="fake", values=tuple(tag(inputs)))

    monkeypatch.setattr("orchestrator.services.infer", infer)
    answer = api.post(
        "/api/v1/segmentations",
        {
            "text": "bir iki| üç dört",
            "strategy": "sentence",
            "model": "sat-tiny",
            "language": "tr",
            "options": {"embedding": False},
        },
        format="json",
    )
    assert answer.status_code == 201, answer.content
    assert [segment["text"] for segment in answer.json()["segments"]] == ["bir iki| ", "üç dört"]
    assert answer.json()["model"] == "sat-tiny"
