"""The CC BY-SA sentence sets that the shipped weights are trained on (see docs/segmentation.md for attribution)."""

from __future__ import annotations

import unicodedata
from pathlib import Path

SETS = {"tr": ("tr_boun-dev.txt", "tr_penn-dev.txt"), "en": ("en_ewt-dev.txt",)}


def sentences(folder: Path, name: str) -> list[str]:
    """Return the sentences of one set, one per line, NFKC-normalised, in their order."""
    lines = (folder / name).read_text(encoding="utf-8").splitlines()
    return [unicodedata.normalize("NFKC", line.strip()) for line in lines if line.strip()]


def folds(found: list[str], count: int) -> list[tuple[list[str], list[str]]]:
    """Return ``count`` pairs (training, held back); the held-back parts are contiguous, as documents are."""
    edges = [round(index * len(found) / count) for index in range(count + 1)]
    return [(found[: edges[i]] + found[edges[i + 1] :], found[edges[i] : edges[i + 1]]) for i in range(count)]
