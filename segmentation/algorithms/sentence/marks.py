"""Question and exclamation marks, quotes, ellipses and emoji: what stands around them says more than the classifier
can learn from a few thousand sentences."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from segmentation.algorithms.sentence.classifier import FloatArray
from segmentation.algorithms.sentence.features import Vocabulary, lower
from segmentation.algorithms.tokens import BoolArray, Tokens
from segmentation.algorithms.wordlist import words

_LIKELY = 3.0
_STRONG = 6.0
_CERTAIN = 30.0
_NEARBY = 15  # tokens; where none of them is capitalised, a small letter may begin a sentence
_ASKED = re.compile(r"[?!]+[\"'”’»)\]]*")
_QUOTED = re.compile(r".*[.?!…][\"'”’»]+")
_BRACKETED = re.compile(r".*\)\.")
_DOTS = re.compile(r".*(?:\.{2,}|…)[\"'”’»)]*")
_EMOJI = re.compile("[\u2600-\u27bf\U0001f000-\U0001faff\ufe0f\u200d]+[.!?…]*")
_ENDING = re.compile(r"\.|[?!]+")  # alone; dots in a row may begin a sentence
_PLAIN = re.compile(r"[^\W\d_]{2,}[.]")
_SAYING = {
    "tr": words("diye dedi sordu söyledi bağırdı yazdı yanıtladı ekledi haykırdı fısıldadı seslendi"),
    "en": words(
        "said asked replied shouted wondered cried answered whispered added thought wrote yelled murmured explained"
    ),
}


def adjust(logits: FloatArray, tokens: Tokens, vocabulary: Vocabulary, language: str) -> FloatArray:
    """Return ``logits`` (one per gap) corrected around marks."""
    found = logits.copy()
    ids = tokens.ids
    left, right = ids[:-1], ids[1:]
    capital, small = vocabulary.capital[right], vocabulary.lower[right]
    asked = _where(tokens, _ends(_ASKED))[:-1]
    quoted = _where(tokens, _QUOTED.fullmatch)[:-1]
    dots = _where(tokens, _DOTS.fullmatch)[:-1]
    found[asked & ~quoted & capital] += _LIKELY
    found[quoted & capital] += _LIKELY
    found[_where(tokens, _BRACKETED.fullmatch)[:-1] & capital] += _LIKELY
    found[dots & small] -= _LIKELY
    found[quoted & small] -= _STRONG
    found[quoted & _is_said(tokens, language)] -= _STRONG
    bare = ~_capital_nearby(vocabulary.capital[ids])
    plain = _where(tokens, _PLAIN.fullmatch)[:-1] & np.array([kind == "word" for kind in vocabulary.kinds])[left]
    found[(asked | plain) & ~quoted & small & bare] += _LIKELY
    # Text with spaces around its marks: "gone ... . Then"; no sentence begins with the mark that ends one.
    found[_where(tokens, _ENDING.fullmatch)[1:] & (tokens.breaks == 0)] = -_CERTAIN
    return _emoji(found, tokens, vocabulary)


def _emoji(found: FloatArray, tokens: Tokens, vocabulary: Vocabulary) -> FloatArray:
    """Let an emoji belong to the sentence before it, and end it when a capital follows."""
    emoji = _where(tokens, _EMOJI.fullmatch)
    if not emoji.any():
        return found
    same_line = tokens.breaks == 0
    found[emoji[1:] & same_line] = -_CERTAIN
    found[emoji[:-1] & ~emoji[1:] & vocabulary.capital[tokens.ids[1:]]] = _STRONG
    return found


def _is_said(tokens: Tokens, language: str) -> BoolArray:
    """Return, per gap, whether the second token behind it is a verb of saying: \'"Is it?" I wondered\'."""
    listed = _SAYING[language]
    said = np.array([lower(word, language).strip(".,!?;:") in listed for word in tokens.vocabulary])[tokens.ids]
    return np.concatenate((said[2:], [False]))


def _capital_nearby(capital: BoolArray) -> BoolArray:
    """Return, per gap, whether a capitalised token stands within ``_NEARBY`` tokens of it."""
    total = np.concatenate(([0], np.cumsum(capital)))
    places = np.arange(len(capital) - 1)
    return np.asarray(
        total[np.minimum(places + _NEARBY, len(capital))] - total[np.maximum(places - _NEARBY, 0)] > 0, dtype=np.bool_
    )


def _ends(pattern: re.Pattern[str]) -> Callable[[str], object]:
    return lambda word: pattern.fullmatch(word[len(word.rstrip("?!\"'”’»)]")) :])


def _where(tokens: Tokens, holds: Callable[[str], object]) -> BoolArray:
    """Return which tokens ``holds`` is true of; only the end of a long one is looked at."""
    return np.array([bool(holds(word[-40:])) for word in tokens.vocabulary])[tokens.ids]
