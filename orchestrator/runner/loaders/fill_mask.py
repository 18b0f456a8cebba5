"""Fill-mask: the likeliest tokens for every mask in a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from orchestrator.runner.loaders.activations import softmax
from orchestrator.runner.loaders.base import Encoded, LoadOrder
from orchestrator.runner.loaders.bodies import Array, Row
from orchestrator.runner.loaders.outputs import Fill
from orchestrator.runner.loaders.transformer import Transformer, invalid, unloadable, whole

_MOST = 1000
_DEFAULT = 5


class FillMask(Transformer):
    """Answers one list per mask, best first. Parameter ``top_k`` (5)."""

    auto, suffix = "AutoModelForMaskedLM", "ForMaskedLM"
    per_token = True

    def load(self, order: LoadOrder) -> dict[str, Any]:
        facts = super().load(order)
        if self.tokenizer.mask_token_id is None:
            raise unloadable("The tokenizer has no mask token.")
        return facts

    def facts(self) -> dict[str, Any]:
        return {"mask_token": self.tokenizer.mask_token}

    def warm_up(self) -> None:
        text = f"warm-up {self.tokenizer.mask_token}"
        self.forward([row.payload for row in self.encode([text], {})], {})

    def encode(self, inputs: Sequence[Any], params: dict[str, Any]) -> list[Encoded]:
        whole(params, "top_k", _DEFAULT, most=_MOST)
        rows = super().encode(inputs, params)
        mask = self.tokenizer.mask_token_id
        for number, row in enumerate(rows):
            if mask not in row.payload.ids:
                raise invalid(f"Text {number} has no {self.tokenizer.mask_token} within the model's length.")
        return rows

    def read(self, row: Row, answer: Array, params: dict[str, Any]) -> list[list[Fill]]:
        count = int(params.get("top_k", _DEFAULT))
        places = [place for place, token in enumerate(row.ids) if token == self.tokenizer.mask_token_id]
        return [self._best(chances, count) for chances in softmax(answer[places])]

    def _best(self, chances: Array, count: int) -> list[Fill]:
        best = np.argsort(-chances, kind="stable")[:count]
        return [
            Fill(token=self.tokenizer.decode([int(token)]), token_id=int(token), score=float(chances[token]))
            for token in best
        ]
