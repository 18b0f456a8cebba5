"""Hashed features of the neighbourhood of every gap between two tokens, as one matrix.

Each distinct token is looked at once, in Python; everything per gap is array arithmetic over token ids. So the cost
is linear in the text, and a token of a megabyte costs no more than its first and last characters.
"""

from __future__ import annotations

import re
from zlib import crc32

import numpy as np
import numpy.typing as npt

from segmentation.algorithms.sentence.lexicon import Lexicon
from segmentation.algorithms.tokens import IntArray, Tokens

U32 = npt.NDArray[np.uint32]

BITS = 18
_KEEP = 24  # characters looked at on either side of a token
_TURKISH_LOWER = str.maketrans({"I": "ı", "İ": "i"})
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»〝〞", '"') | dict.fromkeys("‘’‚‛‹›`´", "'"))
_DIGIT = re.compile(r"\d")
_CORE = re.compile(r"^[^\w]*(.*?)[^\w]*$", re.DOTALL)
_TERMINAL = frozenset(".!?…‽⁇⁈⁉。！？؟।॥")
_CLOSERS = frozenset("\"')]}»”’›*_")

# Columns of the table of distinct tokens.
_FULL, _CORE_WORD, _SUFFIX4, _SUFFIX3, _SUFFIX2, _PREFIX4, _ENDING, _SHAPE, _BEGIN, _KIND, _LAST = range(11)
_WIDTH = 11


def lower(word: str, language: str) -> str:
    """Lower-case ``word``; Turkish has two pairs of i."""
    return (word.translate(_TURKISH_LOWER) if language == "tr" else word).lower()


class Vocabulary:
    """What the classifier knows of each distinct token."""

    def __init__(self, words: list[str], language: str) -> None:
        lexicon = Lexicon(language)
        self.table: U32 = np.zeros((len(words) + 1, _WIDTH), dtype=np.uint32)
        self.terminal = np.zeros(len(words) + 1, dtype=np.bool_)
        self.empty = np.zeros(len(words) + 1, dtype=np.bool_)
        self.capital = np.zeros(len(words) + 1, dtype=np.bool_)
        self.lower = np.zeros(len(words) + 1, dtype=np.bool_)
        self.opens = np.zeros(len(words) + 1, dtype=np.int64)
        self.quotes = np.zeros(len(words) + 1, dtype=np.int64)
        self.kinds: list[str] = []
        for index, word in enumerate(words):
            self._describe(index, word, language, lexicon)
        # The last row stands for "no token here".
        self.table[-1] = np.arange(1, _WIDTH + 1, dtype=np.uint32) * np.uint32(2654435761)
        self.empty[-1] = True
        self.kinds.append("")

    def _describe(self, index: int, word: str, language: str, lexicon: Lexicon) -> None:
        if len(word) > 2 * _KEEP:
            word = word[:_KEEP] + word[-_KEEP:]
        plain = word.translate(_QUOTES)
        core, ending, lead = _parts(plain)
        lowered = lower(core, language)
        masked = _DIGIT.sub("0", lowered)
        kind = lexicon.kind(lowered)
        self.kinds.append(kind)
        self.terminal[index] = _ends_terminal(plain)
        self.empty[index] = not core
        self.capital[index] = core[:1].isupper()
        self.lower[index] = core[:1].islower()
        self.opens[index] = plain.count("(") + plain.count("[") - plain.count(")") - plain.count("]")
        self.quotes[index] = plain.count('"')
        begin = lead[-2:] + _first_class(core)
        self.table[index] = [
            crc32(value.encode("utf-8", "surrogatepass"))
            for value in (
                _DIGIT.sub("0", lower(plain, language)),
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
        ]


def _parts(word: str) -> tuple[str, str, str]:
    """Return the word without outer punctuation, the (shortened) punctuation after it and before it."""
    match = _CORE.match(word)
    core = match[1] if match else ""
    if not core:
        return "", _squeeze(word), _squeeze(word)
    at = word.index(core)
    return core, _squeeze(word[at + len(core) :]), _squeeze(word[:at])


def _squeeze(marks: str) -> str:
    """Shorten runs of the same mark to two."""
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
    letters = "".join(
        "0" if c.isdigit() else "A" if c.isupper() else "a" if c.islower() else c if c in ".'-:/@," else "x"
        for c in core
    )
    return re.sub(r"(.)\1+", r"\1", letters)[:8] + "|" + str(min(len(core), 6))


def _mix(*columns: npt.NDArray[np.uint32], salt: int) -> U32:
    """Combine hashes of several values into one per row (FNV-like, with a final avalanche)."""
    mixed: U32 = np.full(columns[0].shape, (0x811C9DC5 + salt * 0x9E3779B1) & 0xFFFFFFFF, dtype=np.uint32)
    for column in columns:
        mixed = (mixed ^ column) * np.uint32(0x01000193)
        mixed ^= mixed >> np.uint32(15)
        mixed *= np.uint32(0x2C1B3C6D)
        mixed ^= mixed >> np.uint32(13)
    return mixed


def gap_features(tokens: Tokens, vocabulary: Vocabulary) -> U32:
    """Return the feature numbers (below ``2 ** BITS``) of every gap: one row per gap, one column per template."""
    ids = tokens.ids
    count = len(ids) - 1
    nothing = len(vocabulary.table) - 1
    padded = np.concatenate((np.full(3, nothing), ids, np.full(3, nothing)))
    left3, left2, left1 = (padded[i : i + count] for i in (1, 2, 3))
    right1, right2, right3 = (padded[i : i + count] for i in (4, 5, 6))
    # Spaced punctuation ("geldi ."): the word before the mark is what matters.
    bare = vocabulary.empty[left1]
    word_id = np.where(bare, np.where(vocabulary.empty[left2], left3, left2), left1)
    next_id = np.where(vocabulary.empty[right1], right2, right1)
    table = vocabulary.table

    def col(which: IntArray, name: int) -> U32:
        return np.asarray(table[which, name])

    ending = col(left1, _ENDING)
    begin = col(right1, _BEGIN)
    since = _since_terminal(vocabulary.terminal[ids])[:count].astype(np.uint32)
    paired = _pairing(vocabulary, ids)[:count]
    terminal = vocabulary.terminal[left1].astype(np.uint32)
    word = col(word_id, _CORE_WORD)
    templates: list[tuple[U32, ...]] = [
        (terminal,),
        (ending,),
        (ending, begin),
        (ending, col(next_id, _BEGIN), col(word_id, _SHAPE)),
        (ending, col(word_id, _SHAPE)),
        (ending, col(word_id, _KIND)),
        (ending, col(word_id, _KIND), begin),
        (ending, col(word_id, _KIND), col(next_id, _CORE_WORD)),
        (ending, word),
        (word, begin),
        (col(word_id, _SUFFIX4), ending, begin),
        (col(word_id, _SUFFIX3), ending, begin),
        (col(word_id, _SUFFIX2), ending, begin),
        (col(right1, _CORE_WORD), terminal),
        (col(right1, _FULL), terminal),
        (col(right1, _CORE_WORD), begin, ending),
        (col(next_id, _SHAPE), ending, col(right1, _ENDING)),
        (col(right1, _SUFFIX3), begin, terminal),
        (col(left2, _CORE_WORD), ending),
        (col(left2, _CORE_WORD), word),
        (col(left2, _ENDING), ending, begin),
        (col(left2, _KIND), col(left2, _ENDING), ending),
        (col(left2, _SHAPE), col(left1, _SHAPE), begin),
        (col(left2, _SUFFIX3), col(left1, _SUFFIX3), begin),
        (col(right1, _CORE_WORD), col(right2, _CORE_WORD)),
        (col(right2, _BEGIN), begin, ending),
        (col(right2, _CORE_WORD), terminal),
        (col(right1, _ENDING), ending),
        (col(right1, _ENDING), col(right2, _BEGIN), ending, begin),
        (col(right3, _BEGIN), col(right2, _BEGIN), begin, terminal),
        (since, ending),
        (since, terminal, begin),
        (paired, ending, begin),
        (paired, terminal),
    ]
    rows = np.empty((count, len(templates)), dtype=np.uint32)
    mask = np.uint32((1 << BITS) - 1)
    for number, columns in enumerate(templates):
        rows[:, number] = _mix(*columns, salt=number + 1) & mask
    return rows


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
