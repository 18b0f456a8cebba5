"""Whether a hub model's snapshot is whole: a download that was cut off leaves a folder that looks like a model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

_INDEX: Final = "model.safetensors.index.json"
_SHARD: Final = re.compile(r".+-\d{5}-of-\d{5}\.safetensors")
# One of these sets holds the vocabulary; `*.model` is SentencePiece's.
_VOCABULARIES: Final = (("tokenizer.json",), ("vocab.txt",), ("vocab.json", "merges.txt"), ("*.model",))


def missing(folder: Path) -> list[str]:
    """Return the files that the snapshot ``folder`` lacks, as far as that can be told without the hub.

    Beside a snapshot the hub's client keeps a listing of the whole repository, written before the first file, and hands
    out no snapshot that lacks one of it. Without a listing (an older client, a single file fetched by hand) a model has
    to have what every loader opens.
    """
    if (folder.parent.parent / "trees" / f"{folder.name}.json").is_file():
        return []
    return [*_unless(folder, "config.json"), *_weights(folder), *_vocabulary(folder), *_pooling(folder)]


def _weights(folder: Path) -> Iterator[str]:
    names = {path.name for path in folder.glob("*.safetensors") if path.is_file()}
    index = _json(folder / _INDEX)
    shards = index.get("weight_map") if isinstance(index, dict) else None
    if isinstance(shards, dict):
        for name in sorted({str(name) for name in shards.values()}):
            yield from _unless(folder, name)
    elif "model.safetensors" not in names and any(_SHARD.fullmatch(name) for name in names):
        yield _INDEX  # says how many there should be
    elif not names:
        yield "model.safetensors"


def _vocabulary(folder: Path) -> Iterator[str]:
    if not any(all(any(folder.glob(name)) for name in names) for names in _VOCABULARIES):
        yield "tokenizer.json"


def _pooling(folder: Path) -> Iterator[str]:
    """Without its pooling's configuration a sentence-embedding model loads, and answers with other vectors."""
    modules = _json(folder / "modules.json")
    for module in modules if isinstance(modules, list) else []:
        if isinstance(module, dict) and str(module.get("type")).endswith(".Pooling"):
            yield from _unless(folder, f"{module.get('path')}/config.json")


def _unless(folder: Path, name: str) -> Iterator[str]:
    if not (folder / name).is_file():
        yield name


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
