"""Rules that overrule the classifier, for what a few thousand sentences cannot teach."""

from __future__ import annotations

import re

import numpy as np

from segmentation.algorithms.sentence import marks
from segmentation.algorithms.sentence.classifier import FloatArray
from segmentation.algorithms.sentence.features import Vocabulary, lower
from segmentation.algorithms.sentence.lexicon import lexicon
from segmentation.algorithms.tokens import BoolArray, Tokens

_NEVER = -30.0
_STRONG = 6.0
_GLUED = re.compile(r"[^\W\d_]{3,}[\"')\]”’»]*(?:[.!?…]+[\"')\]”’»]*)(?=[\"'(“‘«]?[^\W\d_a-zçğıöşü][a-zçğıöşü])")
_ADDRESS = re.compile(r"[/@:\\=]|\.\w{2,4}$|^www\.", re.IGNORECASE)
_PLAIN_STOP = re.compile(r"[^.]*[^\W]\.")


def adjust(logits: FloatArray, tokens: Tokens, vocabulary: Vocabulary, language: str) -> FloatArray:
    """Return ``logits`` (one per gap) with titles, numbered nouns and initials held together with what follows."""
    found = logits.copy()
    stop = np.array([word.endswith(".") and not word.endswith("..") for word in tokens.vocabulary])[tokens.ids]
    numbered_words = lexicon(language).numbered
    numbered = np.array([lower(word, language) in numbered_words for word in tokens.vocabulary])[tokens.ids]
    capital = vocabulary.capital[tokens.ids]
    left, right = slice(None, -1), slice(1, None)
    opens = _opens_sentence(tokens, vocabulary)
    after_numbered = np.concatenate(([False], (numbered & capital & opens)[:-1]))
    found[(stop & _kinds(tokens, vocabulary, "title"))[left] & capital[right]] = _NEVER
    found[(stop & after_numbered & _kinds(tokens, vocabulary, "number", "roman"))[left]] = _NEVER
    # "II. Selim", "XIV. Louis": two letters or more, or the numeral would be an initial.
    found[(stop & _kinds(tokens, vocabulary, "roman") & capital & _upper(tokens))[left] & capital[right]] = _NEVER
    found[(stop & _kinds(tokens, vocabulary, "initial") & capital)[left] & capital[right]] -= 2.0
    lower_next = vocabulary.lower[tokens.ids][right]
    short = _kinds(tokens, vocabulary, "title", "leading", "trailing", "dotted", "initial")
    found[(stop & short)[left] & lower_next] -= _STRONG
    # "San. Tic. Ltd.", "Cad. No. 5": one abbreviation points at the next, or at a number.
    chained = stop & _kinds(tokens, vocabulary, "leading", "trailing", "title")
    found[chained[left] & chained[right]] -= _STRONG
    digit = np.array([word[:1].isdigit() for word in tokens.vocabulary])[tokens.ids]
    found[(stop & _kinds(tokens, vocabulary, "leading"))[left] & digit[right]] -= _STRONG
    return marks.adjust(found, tokens, vocabulary, language)


def _kinds(tokens: Tokens, vocabulary: Vocabulary, *kinds: str) -> BoolArray:
    return np.array([kind in kinds for kind in vocabulary.kinds[:-1]])[tokens.ids]


def _opens_sentence(tokens: Tokens, vocabulary: Vocabulary) -> BoolArray:
    """Return which tokens stand at the beginning of the text or of a line, or behind a sentence mark."""
    before = vocabulary.terminal[tokens.ids[:-1]] | (tokens.breaks > 0)
    return np.concatenate(([True], before))


def _upper(tokens: Tokens) -> BoolArray:
    return np.array([word.isupper() for word in tokens.vocabulary])[tokens.ids]


def glued(word: str) -> int:
    """Return where a second sentence starts inside ``word`` ("bitti.Sonra"), or 0 when none does."""
    if len(word) > 200 or _ADDRESS.search(word):
        return 0
    match = _GLUED.search(word)
    return match.end() if match else 0


def has_marks(tokens: Tokens, vocabulary: Vocabulary) -> BoolArray:
    """Return, per token, whether it ends with a sentence mark."""
    return np.asarray(vocabulary.terminal[tokens.ids], dtype=np.bool_)
