"""How many tokens of one input a model reads, special tokens included."""

from __future__ import annotations

from typing import Any, Final

_ENDLESS: Final = 1_000_000  # tokenizers say 1e30 when they know no limit


def longest(model: Any, *, said: float, unknown: int = _ENDLESS) -> int:
    """Return the least of what the tokenizer or the folder has ``said`` and of the positions that ``model`` has.

    ``unknown`` stands for the positions of a model without a number of them. The tensors may be without storage.
    """
    positions = int(getattr(model.config, "max_position_embeddings", None) or 0)
    return int(min(said, _ENDLESS, *_counted(model), positions if positions > 0 else unknown))


def _counted(model: Any) -> list[int]:
    """Return how many tokens fit into tables of positions that are counted from behind the padding's.

    RoBERTa and its kin do so: of 514 positions the first token has number 2. The table knows its padding, and no
    configuration says it.
    """
    return [
        module.weight.shape[0] - module.padding_idx - 1
        for name, module in model.named_modules()
        if name.rpartition(".")[2] == "position_embeddings" and getattr(module, "padding_idx", None) is not None
    ]
