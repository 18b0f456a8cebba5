"""Counting the tokens of a model without loading it: its tokenizer alone, in the worker, without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from orchestrator import selectors as catalogue
from orchestrator import sources
from segmentation.algorithms.tokens import printable
from segmentation.exceptions import TokenizerMissing

_KEPT = 4  # tokenizers held per process; one takes some ten megabytes


def counter(model: str) -> Callable[[Sequence[str]], list[int]]:
    """Return a function that counts the tokens of each text by itself, special ones included, as ``model`` would.

    Raises:
        ModelNotFound: the catalogue has no such model.
        TokenizerMissing: the model has no ``tokenizer.json``.
    """
    version = catalogue.version_choose(model=model)
    try:
        folder = sources.resolve(version.source)
    except sources.SourceError as exc:
        raise TokenizerMissing(f"The tokenizer of {model} cannot be read: {exc}") from exc
    path = folder / "tokenizer.json"
    if not path.is_file():
        detail = f"{model} has no tokenizer.json, so its tokens cannot be counted; use unit `characters`."
        raise TokenizerMissing(detail)
    tokenizer = _load(path, path.stat().st_mtime_ns)

    def count(texts: Sequence[str]) -> list[int]:
        return [len(found) for found in tokenizer.encode_batch([printable(text) for text in texts])]

    return count


@lru_cache(maxsize=_KEPT)
def _load(path: Path, changed: int) -> Any:
    # Imported at the first use: the web process, which imports this module too, needs no tokenizer.
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def counter_for(strategy: str, options: Mapping[str, Any], model: str) -> Callable[[Sequence[str]], list[int]] | None:
    """Return what a job of ``strategy`` counts by: None when it is not bounded.

    Raises:
        ModelNotFound, TokenizerMissing
    """
    if strategy != "chunk":
        return None
    return characters if options["unit"] == "characters" else counter(model)


def characters(texts: Sequence[str]) -> list[int]:
    """Count code points, for who limits chunks by them."""
    return [len(text) for text in texts]
