"""What line breaks say about sentence boundaries.

A blank line always ends a sentence. A single break may be layout (prose wrapped at a width) or structure (titles,
list items, verse, chat): the length of the line, its last mark and the first word of the next line decide. Nothing
here looks further back than ``LOOK_BACK`` tokens.
"""

from __future__ import annotations

import re

import numpy as np

from segmentation.algorithms.sentence.classifier import FloatArray
from segmentation.algorithms.sentence.features import Vocabulary
from segmentation.algorithms.tokens import BoolArray, IntArray, Tokens

LOOK_BACK = 40
CERTAIN = 30.0
_STRUCTURE = 3.0
_CLOSING = 25  # characters
_WRAP_WIDTH = 45  # characters; a shorter line was not broken because it was full
_MARKER = re.compile(r"[-–—*•·▪◦‣●○■□➢✓✔]+|\(?(?:\d{1,3}|[a-zçğıöşü]|[ivxIVX]{1,5})[.)]|#{1,6}|>+")
_CONTINUES = frozenset(",;:-–—(/&")


def adjust(logits: FloatArray, tokens: Tokens, vocabulary: Vocabulary) -> FloatArray:
    """Return ``logits`` (one per gap) corrected at line breaks and at list markers."""
    found = logits.copy()
    marker = np.array([_MARKER.fullmatch(word[:8]) is not None and len(word) < 8 for word in tokens.vocabulary])
    is_marker = marker[tokens.ids]
    starts_line = np.concatenate(([True], tokens.breaks > 0))
    # "2. Second item": the marker belongs to its item.
    found[(is_marker & starts_line)[:-1]] = -CERTAIN
    single = np.flatnonzero(tokens.breaks == 1)
    if len(single):
        found[single] = _single(found[single], single, tokens, vocabulary, is_marker, starts_line)
    found[tokens.breaks >= 2] = CERTAIN
    return found


def _single(
    logits: FloatArray,
    gaps: IntArray,
    tokens: Tokens,
    vocabulary: Vocabulary,
    is_marker: BoolArray,
    starts_line: BoolArray,
) -> FloatArray:
    left, right = tokens.ids[gaps], tokens.ids[gaps + 1]
    length = tokens.ends[gaps] - tokens.starts[_line_start(starts_line)[gaps]]
    continues = np.array([word[-1] in _CONTINUES for word in tokens.vocabulary])[left]
    terminal = vocabulary.terminal[left]
    short = length < _WRAP_WIDTH
    lower = vocabulary.lower[right]
    found = np.where(terminal, logits + 1.5, logits)
    found = np.where(~terminal & ~continues & short & ~lower, np.maximum(logits, _STRUCTURE), found)
    found = np.where(~terminal & ~continues & short & lower, logits + 2.0, found)
    found = np.where(~terminal & ~short & lower, logits - 2.0, found)
    # "Saygılarımla,": the closing of a letter, not a line that was full.
    comma = np.array([word[-1] == "," for word in tokens.vocabulary])[left]
    found = np.where(comma & (length < _CLOSING) & vocabulary.capital[right], _STRUCTURE, found)
    return np.asarray(np.where(is_marker[gaps + 1], _STRUCTURE + 1.0, found), dtype=np.float64)


def _line_start(starts_line: BoolArray) -> IntArray:
    positions = np.arange(len(starts_line))
    last = np.maximum.accumulate(np.where(starts_line, positions, 0))
    return np.asarray(np.maximum(last, positions - LOOK_BACK), dtype=np.int64)
