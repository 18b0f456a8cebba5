"""Hashed features of the neighbourhood of every gap between two tokens, as one matrix.

Each distinct token is looked at once, in Python; everything per gap is array arithmetic over token ids. So the cost
is linear in the text, and a token of a megabyte costs no more than its first and last characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from zlib import crc32

import numpy as np
import numpy.typing as npt

from segmentation.algorithms.sentence.lexicon import Lexicon, lexicon
from segmentation.algorithms.tokens import IntArray, Tokens

U32 = npt.NDArray[np.uint32]

BITS = 18
_KEEP = 24  # characters looked at on either side of a token
_TURKISH_LOWER = str.maketrans({"I": "ı", "İ": "i"})
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»〝〞", '"') | dict.fromkeys("‘’‚‛‹›`´", "'"))
_DIGIT = re.compile(r"\d")
_TERMINAL = frozenset(".!?…‽⁇⁈⁉。！？؟।॥")
_CLOSERS = frozenset("\"')]}»”’›*_")

# Columns of the table of distinct tokens.
_FULL, _CORE_WORD, _SUFFIX4, _SUFFIX3, _SUFFIX2, _PREFIX4, _ENDING, _SHAPE, _BEGIN, _KIND, _LAST = range(11)
_WIDTH = 11


def lower(word: str, language: str) -> str:
    """Lower-case ``word``; Turkish has two pairs of i."""
    return (word.translate(_TURKISH_LOWER) if language == "tr" else word).lower()


class Vocabulary:
    """What the classifier knows of each distinct token; the last row stands for "no token here"."""

    def __init__(self, words: list[str], language: str) -> None:
        known = lexicon(language)
        size = len(words) + 1
        self.terminal = np.zeros(size, dtype=np.bool_)
        self.empty = np.zeros(size, dtype=np.bool_)
        self.capital = np.zeros(size, dtype=np.bool_)
        self.lower = np.zeros(size, dtype=np.bool_)
        self.opens = np.zeros(size, dtype=np.int64)
        self.quotes = np.zeros(size, dtype=np.int64)
        self.kinds: list[str] = []
        rows = [self._describe(index, word, language, known) for index, word in enumerate(words)]
        rows.append(tuple((number + 1) * 2654435761 & 0xFFFFFFFF for number in range(_WIDTH)))
        self.table: U32 = np.array(rows, dtype=np.uint32)
        self.empty[-1] = True
        self.kinds.append("")

    def _describe(self, index: int, word: str, language: str, known: Lexicon) -> tuple[int, ...]:
        if len(word) > 2 * _KEEP:
            word = word[:_KEEP] + word[-_KEEP:]
        if word.isalpha():
            plain = core = word
            ending = lead = ""
            masked = full = lowered = lower(core, language)
        else:
            plain = word.translate(_QUOTES)
            core, ending, lead = _parts(plain)
            lowered = lower(core, language)
            masked = _DIGIT.sub("0", lowered)
            full = _DIGIT.sub("0", lower(plain, language))
            self.terminal[index] = _ends_terminal(plain)
            self.empty[index] = not core
            self.opens[index] = plain.count("(") + plain.count("[") - plain.count(")") - plain.count("]")
            self.quotes[index] = plain.count('"')
        kind = known.kind(lowered)
        self.kinds.append(kind)
        first = core[:1]
        self.capital[index] = first.isupper()
        self.lower[index] = first.islower()
        begin = lead[-2:] + _first_class(core)
        values = (
            full,
            masked,
            masked[-4:],
            masked[-3:],
            masked[-2:],
            masked[:4],
            ending,
            _shape(core),
            begin,
            kind,
            plain[-1:],
        )
        return tuple([crc32(value.encode("utf-8", "surrogatepass")) for value in values])


def _parts(word: str) -> tuple[str, str, str]:
    """Return the word without outer punctuation, the (shortened) punctuation after it and before it."""
    start, end = 0, len(word)
    while start < end and not (word[start].isalnum() or word[start] == "_"):
        start += 1
    while end > start and not (word[end - 1].isalnum() or word[end - 1] == "_"):
        end -= 1
    if start == end:
        return "", _squeeze(word), _squeeze(word)
    return word[start:end], _squeeze(word[end:]), _squeeze(word[:start])


def _squeeze(marks: str) -> str:
    """Shorten runs of the same mark to two."""
    if len(marks) < 2:
        return marks
    return re.sub(r"(.)\1{2,}", r"\1\1", marks, flags=re.DOTALL)[:5]


def _ends_terminal(word: str) -> bool:
    for char in reversed(word[-6:]):
        if char in _TERMINAL:
            return True
        if char not in _CLOSERS:
            return False
    return False


def _first_class(core: str) -> str:
    first = core[:1]
    if not first:
        return "-"
    if first.isupper():
        return "U" if len(core) > 1 and core[1:2].islower() else "A"
    if first.islower():
        return "l"
    return "0" if first.isdigit() else "x"


def _shape(core: str) -> str:
    """Return case, digits and inner marks of a word, runs squeezed, with a bucket for its length."""
    if core.isalpha():
        case = "a" if core.islower() else "A" if core.isupper() else "Aa" if core.istitle() else ""
        if case:
            return f"{case}|{min(len(core), 6)}"
    letters = "".join(
        "0" if c.isdigit() else "A" if c.isupper() else "a" if c.islower() else c if c in ".'-:/@," else "x"
        for c in core
    )
    return re.sub(r"(.)\1+", r"\1", letters)[:8] + "|" + str(min(len(core), 6))


# What a template may look at: a column of the table at a place near the gap. ``WORD`` and ``NEXT`` are the nearest
# tokens with letters, since in spaced punctuation ("geldi .") the word before the mark is what matters.
_LEFT3, _LEFT2, _LEFT1, _WORD, _NEXT, _RIGHT1, _RIGHT2, _RIGHT3 = range(8)
_SINCE, _PAIRED, _MARKED, _NOTHING = range(8 * _WIDTH, 8 * _WIDTH + 4)


def _at(place: int, column: int) -> int:
    return place * _WIDTH + column


_ENDING1, _BEGIN1 = _at(_LEFT1, _ENDING), _at(_RIGHT1, _BEGIN)
_WORD1, _KIND1 = _at(_WORD, _CORE_WORD), _at(_WORD, _KIND)
_TEMPLATES: list[tuple[int, ...]] = [
    (_MARKED,),
    (_ENDING1,),
    (_ENDING1, _BEGIN1),
    (_ENDING1, _at(_NEXT, _BEGIN), _at(_WORD, _SHAPE)),
    (_ENDING1, _at(_WORD, _SHAPE)),
    (_ENDING1, _KIND1),
    (_ENDING1, _KIND1, _BEGIN1),
    (_ENDING1, _KIND1, _at(_NEXT, _CORE_WORD)),
    (_ENDING1, _WORD1),
    (_WORD1, _BEGIN1),
    (_at(_WORD, _SUFFIX4), _ENDING1, _BEGIN1),
    (_at(_WORD, _SUFFIX3), _ENDING1, _BEGIN1),
    (_at(_WORD, _SUFFIX2), _ENDING1, _BEGIN1),
    (_at(_RIGHT1, _CORE_WORD), _MARKED),
    (_at(_RIGHT1, _FULL), _MARKED),
    (_at(_RIGHT1, _CORE_WORD), _BEGIN1, _ENDING1),
    (_at(_NEXT, _SHAPE), _ENDING1, _at(_RIGHT1, _ENDING)),
    (_at(_RIGHT1, _SUFFIX3), _BEGIN1, _MARKED),
    (_at(_LEFT2, _CORE_WORD), _ENDING1),
    (_at(_LEFT2, _CORE_WORD), _WORD1),
    (_at(_LEFT2, _ENDING), _ENDING1, _BEGIN1),
    (_at(_LEFT2, _KIND), _at(_LEFT2, _ENDING), _ENDING1),
    (_at(_LEFT2, _SHAPE), _at(_LEFT1, _SHAPE), _BEGIN1),
    (_at(_LEFT2, _SUFFIX3), _at(_LEFT1, _SUFFIX3), _BEGIN1),
    (_at(_RIGHT1, _CORE_WORD), _at(_RIGHT2, _CORE_WORD)),
    (_at(_RIGHT2, _BEGIN), _BEGIN1, _ENDING1),
    (_at(_RIGHT2, _CORE_WORD), _MARKED),
    (_at(_RIGHT1, _ENDING), _ENDING1),
    (_at(_RIGHT1, _ENDING), _at(_RIGHT2, _BEGIN), _ENDING1, _BEGIN1),
    (_at(_RIGHT3, _BEGIN), _at(_RIGHT2, _BEGIN), _BEGIN1, _MARKED),
    (_SINCE, _ENDING1),
    (_SINCE, _MARKED, _BEGIN1),
    (_PAIRED, _ENDING1, _BEGIN1),
    (_PAIRED, _MARKED),
]
_COLUMNS = 4
_CHOSEN = [[(*template, *[_NOTHING] * _COLUMNS)[place] for template in _TEMPLATES] for place in range(_COLUMNS)]
_SALTS = np.array(
    [(0x811C9DC5 + number * 0x9E3779B1) & 0xFFFFFFFF for number in range(len(_TEMPLATES))], dtype=np.uint32
)
BLOCK = 1 << 15  # gaps; bounds the memory of a long text


def feature_blocks(tokens: Tokens, vocabulary: Vocabulary) -> Iterator[U32]:
    """Yield the feature numbers (below ``2 ** BITS``) of the gaps: one row per gap, one column per template."""
    ids = tokens.ids
    count = len(ids) - 1
    nothing = np.full(3, len(vocabulary.table) - 1)
    padded = np.concatenate((nothing, ids, nothing))
    since = _since_terminal(vocabulary.terminal[ids])
    paired = _pairing(vocabulary, ids)
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        left3, left2, left1, right1, right2, right3 = (padded[start + i : start + i + size] for i in range(1, 7))
        empty = vocabulary.empty
        word = np.where(empty[left1], np.where(empty[left2], left3, left2), left1)
        following = np.where(empty[right1], right2, right1)
        places = np.stack((left3, left2, left1, word, following, right1, right2, right3), axis=1)
        seen = np.empty((size, _NOTHING + 1), dtype=np.uint32)
        seen[:, : 8 * _WIDTH] = vocabulary.table[places].reshape(size, 8 * _WIDTH)
        seen[:, _SINCE] = since[start : start + size]
        seen[:, _PAIRED] = paired[start : start + size]
        seen[:, _MARKED] = vocabulary.terminal[left1]
        seen[:, _NOTHING] = 0
        yield _mixed(seen)


def _mixed(seen: U32) -> U32:
    """Combine the hashes that each template looks at (FNV-like, with a final avalanche)."""
    mixed = np.broadcast_to(_SALTS, (len(seen), len(_SALTS))).copy()
    for chosen in _CHOSEN:
        mixed ^= seen[:, chosen]
        mixed *= np.uint32(0x01000193)
        mixed ^= mixed >> np.uint32(15)
        mixed *= np.uint32(0x2C1B3C6D)
        mixed ^= mixed >> np.uint32(13)
    mixed &= np.uint32((1 << BITS) - 1)
    return mixed


def _since_terminal(terminal: npt.NDArray[np.bool_]) -> IntArray:
    """Return a bucket (0 to 7) of the number of tokens since the last terminal mark before each token."""
    positions = np.arange(len(terminal))
    last = np.maximum.accumulate(np.where(terminal, positions, -1))
    before = np.concatenate(([-1], last[:-1]))
    return np.asarray(np.searchsorted([1, 2, 4, 7, 12, 20, 40], positions - before, side="right"), dtype=np.int64)


_WINDOW = 40  # tokens; a quote or bracket opened further back is held to be a slip


def _pairing(vocabulary: Vocabulary, ids: IntArray) -> U32:
    """Return, after each token, whether a bracket or a quote opened in the last ``_WINDOW`` tokens is still open."""
    opens = np.concatenate((np.zeros(_WINDOW, dtype=np.int64), np.cumsum(vocabulary.opens[ids])))
    quotes = np.concatenate((np.zeros(_WINDOW, dtype=np.int64), np.cumsum(vocabulary.quotes[ids])))
    depth = np.clip(opens[_WINDOW:] - opens[:-_WINDOW], 0, 1)
    odd = (quotes[_WINDOW:] - quotes[:-_WINDOW]) % 2
    return np.asarray(depth * 2 + odd, dtype=np.uint32)
