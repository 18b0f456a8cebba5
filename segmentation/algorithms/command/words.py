"""Words and marks of a command with their places."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from segmentation.algorithms.sentence.features import lower

_WORD = re.compile(r"\w+(?:['’.\-]\w+)*|[^\w\s]")
_QUOTE_WINDOW = 200  # words; a quotation mark that is not closed within it opens nothing


@dataclass(frozen=True, slots=True)
class Word:
    """``low`` is the lower-cased word; ``quoted`` when it stands between quotation marks."""

    start: int
    end: int
    text: str
    low: str
    quoted: bool = False

    @property
    def is_mark(self) -> bool:
        return not (self.text[0].isalnum() or self.text[0] == "_")


def words_of(text: str, start: int, end: int, language: str) -> list[Word]:
    """Return the words and marks of ``text[start:end]``."""
    found = [
        Word(match.start(), match.end(), match[0], lower(match[0], language).replace("’", "'"))
        for match in _WORD.finditer(text, start, end)
    ]
    return _with_quotes(found)


def _with_quotes(found: list[Word]) -> list[Word]:
    """Mark what is quoted: a quoted text is content, it is not read as a command."""
    marks = {'"': '"', "“": "”", "«": "»", "„": "“"}
    until = -1
    result = []
    for index, word in enumerate(found):
        if index > until and word.text in marks:
            close = marks[word.text]
            ahead = (i for i in range(index + 1, min(index + _QUOTE_WINDOW, len(found))) if found[i].text == close)
            until = next(ahead, -1)
        inside = index <= until
        result.append(Word(word.start, word.end, word.text, word.low, inside) if inside else word)
    return result


Phrases = Mapping[str, Sequence[tuple[str, ...]]]


def matches(words: Sequence[Word], at: int, listed: Phrases) -> int:
    """Return the number of words of the longest phrase of ``listed`` that stands at ``at``, or 0."""
    if at >= len(words):
        return 0
    for phrase in listed.get(words[at].low, ()):
        if all(at + i < len(words) and words[at + i].low == part for i, part in enumerate(phrase)):
            return len(phrase)
    return 0


def phrases(listed: str) -> Phrases:
    """Return the phrases between bars by their first word, the longest first."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for part in sorted((tuple(part.split()) for part in listed.split("|")), key=len, reverse=True):
        found.setdefault(part[0], []).append(part)
    return found
