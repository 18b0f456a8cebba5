"""Sequence classification: labels of a whole text with their scores, best first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.runner.loaders.activations import sigmoid, softmax
from orchestrator.runner.loaders.base import Encoded
from orchestrator.runner.loaders.bodies import Array, Row
from orchestrator.runner.loaders.outputs import Label
from orchestrator.runner.loaders.transformer import Transformer, bounded, whole

_MOST = 1000


class SequenceClassification(Transformer):
    """Parameter ``top_k``: how many labels. Scores are probabilities; independent ones for multi-label models."""

    auto, suffix = "AutoModelForSequenceClassification", "ForSequenceClassification"

    def facts(self) -> dict[str, Any]:
        return {"labels": self.labels()}

    def encode(self, inputs: Sequence[Any], params: dict[str, Any]) -> list[Encoded]:
        count = min(whole(params, "top_k", _MOST, most=_MOST), len(self.labels()))
        bounded(len(inputs) * count, "labels", remedy="Give a smaller `top_k` or fewer texts.")
        return super().encode(inputs, params)

    def read(self, row: Row, answer: Array, params: dict[str, Any]) -> list[Label]:
        independent = getattr(self.config, "problem_type", None) == "multi_label_classification" or len(answer) == 1
        chances = sigmoid(answer) if independent else softmax(answer)
        found = [Label(label=name, score=float(chances[index])) for index, name in enumerate(self.labels())]
        return sorted(found, key=lambda label: -label["score"])[: params.get("top_k", _MOST)]
