"""Words of sentences as vectors: what repeats inside a topic and not outside of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from zlib import crc32

import numpy as np
import numpy.typing as npt

from segmentation.algorithms.sentence.features import lower

DIMENSIONS = 512
_WORD = re.compile(r"[^\W\d_]{3,}")
_STEM = {"tr": 5, "en": 6}  # letters; Turkish stems are short and their endings many (the "F5" stemmer)


def lexical_vectors(sentences: Sequence[str], language: str) -> npt.NDArray[np.float32]:
    """Return one unit row per sentence (zero when it has no words that tell).

    A word counts by its rarity in this document (inverse sentence frequency); words that occur once cannot tie two
    sentences together, and words of a fifth of all sentences do not tell topics apart. Rows are signed random
    projections to ``DIMENSIONS``, so that dot products are those of the full word vectors, nearly.
    """
    stem = _STEM.get(language, 6)
    bags = [Counter(lower(word, language)[:stem] for word in _WORD.findall(sentence[:2000])) for sentence in sentences]
    frequency = Counter(word for bag in bags for word in bag)
    limit = max(3.0, len(sentences) * 0.2)
    weights = {word: np.log(1 + len(bags) / count) for word, count in frequency.items() if 1 < count <= limit}
    rows = np.zeros((len(bags), DIMENSIONS), dtype=np.float32)
    for row, bag in zip(rows, bags, strict=True):
        for word, count in bag.items():
            weight = weights.get(word)
            if weight is not None:
                _add(row, word, weight * np.sqrt(count))
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norms == 0, 1, norms), dtype=np.float32)


def _add(row: npt.NDArray[np.float32], word: str, weight: float) -> None:
    """Spread ``weight`` over four signed places, which keeps collisions from making two words one."""
    number = crc32(word.encode("utf-8", "surrogatepass")) | crc32(word[::-1].encode("utf-8", "surrogatepass")) << 32
    for _ in range(4):
        row[(number >> 1) % DIMENSIONS] += weight * 0.5 * (1 if number & 1 else -1)
        number >>= 11
