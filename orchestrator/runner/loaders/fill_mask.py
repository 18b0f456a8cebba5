"""Fill-mask: the likeliest tokens for every mask in a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from orchestrator.runner.loaders.base import Encoded, LoadOrder
from orchestrator.runner.loaders.bodies import Array, Row
from orchestrator.runner.loaders.outputs import Fill
from orchestrator.runner.loaders.transformer import Transformer, bounded, invalid, unloadable, whole

_MOST = 1000
_DEFAULT = 5

Best = tuple[list[int], list[float]]  # token ids and their scores, best first


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
        count = whole(params, "top_k", _DEFAULT, most=_MOST)
        rows = super().encode(inputs, params)
        mask = self.tokenizer.mask_token_id
        masks = [row.payload.ids.count(mask) for row in rows]
        for number, found in enumerate(masks):
            if not found:
                raise invalid(f"Text {number} has no {self.tokenizer.mask_token} within the model's length.")
        bounded(sum(masks) * count, "fills", remedy="Give a smaller `top_k`, fewer masks or fewer texts.")
        return rows

    def forward(self, rows: Sequence[Any], params: dict[str, Any]) -> Sequence[Any]:
        found = super().forward(rows, params)
        # Masks are filled with the same few tokens again and again, and decoding is slow.
        tokens = {token for row in found for ids, _ in row for token in ids}
        texts = {token: self.tokenizer.decode([token]) for token in tokens}
        return [[_fills(ids, scores, texts) for ids, scores in row] for row in found]

    def read(self, row: Row, answer: Array, params: dict[str, Any]) -> list[Best]:
        count = int(params.get("top_k", _DEFAULT))
        return [
            _best(torch.from_numpy(answer[place]), count)  # one by one: a copy of all has the size of the answer
            for place, token in enumerate(row.ids)
            if token == self.tokenizer.mask_token_id
        ]


def _best(logits: torch.Tensor, count: int) -> Best:
    best, ids = logits.topk(min(count, len(logits)))
    return ids.tolist(), (best - logits.logsumexp(0)).exp().tolist()


def _fills(ids: list[int], scores: list[float], texts: dict[int, str]) -> list[Fill]:
    return [
        {"token": texts[token], "token_id": token, "score": score} for token, score in zip(ids, scores, strict=True)
    ]
