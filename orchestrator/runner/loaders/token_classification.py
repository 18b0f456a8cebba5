"""Token classification: a label for every token, or for every stretch of tokens with the same label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.runner.loaders.activations import softmax
from orchestrator.runner.loaders.base import Encoded, LoadOrder
from orchestrator.runner.loaders.bodies import Array, Row
from orchestrator.runner.loaders.outputs import Span
from orchestrator.runner.loaders.reading import read
from orchestrator.runner.loaders.transformer import Transformer, bounded, invalid, texts_of, unloadable

_OUTSIDE = "O"


class TokenClassification(Transformer):
    """Parameter ``aggregation``: ``simple`` (default) joins neighbours of one label, ``none`` gives every token."""

    auto, suffix = "AutoModelForTokenClassification", "ForTokenClassification"
    per_token = True

    def load(self, order: LoadOrder) -> dict[str, Any]:
        facts = super().load(order)
        if not self.tokenizer.is_fast:
            raise unloadable("The tokenizer gives no offsets; a tokenizer.json is needed.")
        return facts

    def facts(self) -> dict[str, Any]:
        return {"labels": self.labels()}

    def encode(self, inputs: Sequence[Any], params: dict[str, Any]) -> list[Encoded]:
        if params.get("aggregation", "simple") not in ("simple", "none"):
            raise invalid("`aggregation` is `simple` or `none`.")
        texts = texts_of(inputs)
        if not texts:
            return []
        how = {"return_offsets_mapping": True, "return_attention_mask": False, "return_token_type_ids": False}
        found = read(self.tokenizer, texts, max_tokens=self.max_tokens, **how)
        if params.get("aggregation") == "none":
            tokens = sum(map(len, found["input_ids"]))
            bounded(tokens, "tokens", remedy="Give fewer texts, or `aggregation` `simple`.")
        rows = zip(found["input_ids"], found["offset_mapping"], strict=True)
        return [Encoded(length=len(ids), payload=Row(ids=ids, extra=offsets)) for ids, offsets in rows]

    def read(self, row: Row, answer: Array, params: dict[str, Any]) -> list[Span]:
        chances = softmax(answer)
        names = self.labels()
        found = [
            Span(label=names[best], score=float(chances[position, best]), start=start, end=end)
            for position, (start, end) in enumerate(row.extra)
            if end > start  # special tokens cover nothing
            for best in [int(chances[position].argmax())]
        ]
        return found if params.get("aggregation") == "none" else joined(found)


def joined(tokens: Sequence[Span]) -> list[Span]:
    """Join neighbours by the BIO scheme; the score is the mean of the tokens'. Tokens outside are left out."""
    spans: list[Span] = []
    counts: list[int] = []
    inside = ""
    for token in tokens:
        prefix, _, kind = token["label"].rpartition("-")
        if token["label"] == _OUTSIDE:
            inside = ""
            continue
        if kind == inside and prefix != "B":
            counts[-1] += 1
            last = spans[-1]
            last["end"] = token["end"]
            last["score"] += (token["score"] - last["score"]) / counts[-1]
        else:
            spans.append(Span(label=kind, score=token["score"], start=token["start"], end=token["end"]))
            counts.append(1)
        inside = kind
    return spans
