"""How much memory a model version will take, before it has ever been loaded; torch-free.

Weights come from the safetensors headers (what is stored narrower than float32 grows when it is opened), the rest
from the model's own configuration. After a load the measured size takes the estimate's place.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from orchestrator.manifest import Entry

# A runner before any weights: interpreter state, torch's pools, the tokenizer.
OVERHEAD_BYTES: Final = 48 * 2**20
_FLOAT = 4
_LONGEST_HEADER = 100 * 2**20
_FLOATS = frozenset({"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})
# Tasks whose answers have one number per token and word of the vocabulary.
_PER_WORD: Final = frozenset({"fill-mask", "text-generation"})


class UnreadableWeights(ValueError):
    """A safetensors file or the configuration does not say what it must; the message names the file."""


def memory_bytes(folder: Path, manifest: Mapping[str, Entry], *, task: str, batch_tokens: int) -> int:
    """Return the bytes that a runner of this version is expected to hold, the largest batch included.

    Raises: UnreadableWeights.
    """
    weights = sum(opened_bytes(folder / name) for name in manifest if name.endswith(".safetensors"))
    config = _config(folder)
    hidden = _count(config, "hidden_size", "n_embd")
    layers = _count(config, "num_hidden_layers", "n_layer")
    # One layer's activations live at a time: its states, its queries, keys and values, and the wide middle of it.
    working = batch_tokens * hidden * 8 * _FLOAT
    if task in _PER_WORD:
        working += batch_tokens * _count(config, "vocab_size") * _FLOAT
    if task == "text-generation":
        working += batch_tokens * layers * hidden * 2 * _FLOAT  # keys and values of every layer stay
    return weights + OVERHEAD_BYTES + working


def opened_bytes(path: Path) -> int:
    """Return the bytes of a safetensors file's tensors once they are open: floats as float32.

    Raises: UnreadableWeights.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= _LONGEST_HEADER:
                raise ValueError("impossible header length")
            header = json.loads(file.read(length))
        if not isinstance(header, dict):
            raise ValueError("its header is no JSON object")
        return sum(_tensor(entry) for name, entry in header.items() if name != "__metadata__")
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as exc:
        raise UnreadableWeights(f"{path.name} is no safetensors file: {exc}") from exc


def _tensor(entry: Mapping[str, Any]) -> int:
    if entry["dtype"] in _FLOATS:
        return math.prod(int(size) for size in entry["shape"]) * _FLOAT
    begin, end = entry["data_offsets"]
    return int(end) - int(begin)


def _count(config: Mapping[str, Any], *names: str) -> int:
    """Return the first of ``names`` that the configuration gives, else 0."""
    for name in names:
        found = config.get(name)
        if found:
            if type(found) is not int or found < 0:
                raise UnreadableWeights(f"config.json: {name} is {found!r:.60} instead of a whole number.")
            return found
    return 0


def _config(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "config.json").read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
