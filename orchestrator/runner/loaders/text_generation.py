"""Text generation by a causal language model. Prompts of one batch are padded on the left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from orchestrator.runner.loaders.base import Encoded, LoadOrder
from orchestrator.runner.loaders.bodies import Row, TorchBody
from orchestrator.runner.loaders.outputs import Generation
from orchestrator.runner.loaders.transformer import Transformer, invalid, texts_of, unloadable, whole

_DEFAULT, _MOST = 64, 2048


class TextGeneration(Transformer):
    """Parameters: ``max_new_tokens`` (64); ``temperature`` (0 is greedy) with ``top_p`` and ``seed``."""

    auto, suffix = "AutoModelForCausalLM", ("LMHeadModel", "ForCausalLM")

    def load(self, order: LoadOrder) -> dict[str, Any]:
        facts = super().load(order)
        if not isinstance(self.body, TorchBody):
            raise unloadable("Text generation runs on torch only.")
        self._model = self.body.model
        del self.grid  # prompts are padded on the left, and every new token is another shape anyway
        ends = self._model.generation_config.eos_token_id
        self._ends = set(ends if isinstance(ends, list) else [ends]) - {None}
        return facts

    def warm_up(self) -> None:
        params = {"max_new_tokens": 2}
        self.forward([row.payload for row in self.encode(["warm-up"], params)], params)

    def encode(self, inputs: Sequence[Any], params: dict[str, Any]) -> list[Encoded]:
        texts = texts_of(inputs)
        new = whole(params, "max_new_tokens", min(_DEFAULT, self.max_tokens - 1), most=min(_MOST, self.max_tokens - 1))
        _sampling(params)
        found = self.tokenizer(texts)["input_ids"] if texts else []
        for number, ids in enumerate(found):
            if not ids:
                raise invalid(f"Prompt {number} has no tokens.")
            if len(ids) + new > self.max_tokens:
                raise invalid(f"Prompt {number} has {len(ids)} tokens; with {new} new ones at most {self.max_tokens}.")
        return [Encoded(length=len(ids) + new, payload=Row(ids=ids)) for ids in found]

    def forward(self, rows: Sequence[Any], params: dict[str, Any]) -> Sequence[Any]:
        temperature, top_p, seed = _sampling(params)
        width = max(len(row.ids) for row in rows)
        ids = torch.tensor([[self.pad] * (width - len(row.ids)) + list(row.ids) for row in rows])
        mask = torch.tensor([[0] * (width - len(row.ids)) + [1] * len(row.ids) for row in rows])
        how: dict[str, Any] = {"do_sample": False}
        if temperature > 0:
            torch.manual_seed(seed)
            how = {"do_sample": True, "temperature": temperature, "top_p": top_p, "top_k": 0}
        with torch.inference_mode():
            made = self._model.generate(
                input_ids=ids,
                attention_mask=mask,
                max_new_tokens=int(params.get("max_new_tokens", min(_DEFAULT, self.max_tokens - 1))),
                pad_token_id=self.pad,
                **how,
            )
        return [self._generation(list(tokens)) for tokens in made[:, width:].tolist()]

    def _generation(self, tokens: list[int]) -> Generation:
        end = next((place for place, token in enumerate(tokens) if token in self._ends), None)
        kept = tokens if end is None else tokens[:end]
        text = self.tokenizer.decode(kept, skip_special_tokens=True)
        return Generation(text=text, tokens=len(kept), finish_reason="length" if end is None else "stop")


def _sampling(params: dict[str, Any]) -> tuple[float, float, int]:
    """Return temperature, top_p and seed.

    Raises: RunnerError ``invalid_inputs``.
    """
    temperature, top_p, seed = params.get("temperature", 0.0), params.get("top_p", 1.0), params.get("seed", 0)
    if not _number(temperature) or not 0 <= temperature <= 100:
        raise invalid("`temperature` is a number from 0 to 100.")
    if not _number(top_p) or not 0 < top_p <= 1:
        raise invalid("`top_p` is a number above 0, at most 1.")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise invalid("`seed` is a whole number from 0.")
    return float(temperature), float(top_p), seed


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
