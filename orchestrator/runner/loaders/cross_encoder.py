"""Cross-encoder: how well two texts belong together, read side by side by one model.

Nogueira and Cho, "Passage Re-ranking with BERT", 2019 (arXiv:1901.04085).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.runner.loaders.activations import sigmoid
from orchestrator.runner.loaders.base import Encoded, LoadOrder
from orchestrator.runner.loaders.bodies import Array, Row
from orchestrator.runner.loaders.outputs import Score
from orchestrator.runner.loaders.reading import read
from orchestrator.runner.loaders.transformer import Transformer, invalid, unloadable


class CrossEncoder(Transformer):
    """Inputs are pairs of texts. A pair that is too long loses tokens from its longer half."""

    auto, suffix = "AutoModelForSequenceClassification", "ForSequenceClassification"

    def load(self, order: LoadOrder) -> dict[str, Any]:
        facts = super().load(order)
        if len(self.labels()) != 1:
            raise unloadable(f"A cross-encoder has one output; this model has {len(self.labels())}.")
        return facts

    def warm_up(self) -> None:
        for text in ("warm-up", "warm-up " * 30):
            self.forward([row.payload for row in self.encode([[text, text]], {})], {})

    def encode(self, inputs: Sequence[Any], params: dict[str, Any]) -> list[Encoded]:
        for pair in inputs:
            if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
                raise invalid("Inputs are pairs of texts: [query, passage].")
        if not inputs:
            return []
        first, second = [pair[0] for pair in inputs], [pair[1] for pair in inputs]
        found = read(self.tokenizer, first, second, max_tokens=self.max_tokens)
        types = found.get("token_type_ids") or [None] * len(first)
        rows = zip(found["input_ids"], types, strict=True)
        return [Encoded(length=len(ids), payload=Row(ids=ids, types=kinds)) for ids, kinds in rows]

    def read(self, row: Row, answer: Array, params: dict[str, Any]) -> Score:
        return Score(score=float(sigmoid(answer)[0]), logit=float(answer[0]))
