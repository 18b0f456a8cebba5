"""Sentences of a text that arrives in pieces.

A boundary is decided by at most ``MARGIN`` tokens on either side of it. So what lies further behind the end of the
text so far is final, and any way of cutting the text into pieces gives the sentences of the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from segmentation.algorithms.sentence.classifier import LANGUAGES
from segmentation.algorithms.sentence.foreign import PIECE, piece_cuts
from segmentation.algorithms.sentence.split import THRESHOLD, cuts_of
from segmentation.algorithms.spans import Span
from segmentation.algorithms.tokens import printable, tokenize

MARGIN = 96  # tokens
BLOCK = 1 << 14  # characters gathered before they are looked at


class SentenceStream:
    """``feed`` gives the sentences that have become certain, ``close`` the rest; offsets count from the very start.

    Memory is bounded by the longest sentence plus ``BLOCK`` and two margins; time is linear.
    """

    def __init__(self, language: str, *, threshold: float = THRESHOLD) -> None:
        self.language = language
        self._threshold = threshold
        self._text = ""  # from the context of the first undecided gap on
        self._base = 0  # where it begins in the whole
        self._fresh: list[str] = []
        self._size = 0
        self._decided = 0  # every cut up to here is known
        self._start = 0  # of the sentence under way

    def feed(self, piece: str) -> list[Span]:
        """Take the next piece; return the sentences that cannot change any more."""
        self._fresh.append(piece)
        self._size += len(piece)
        # Also as much as is held already: a token of megabytes is not to be read again for every piece.
        if self._size < max(BLOCK, len(self._text) // 2):
            return []
        self._gather()
        return self._native(last=False) if self.language in LANGUAGES else self._foreign(last=False)

    def close(self) -> list[Span]:
        """Return the sentences that were still open; nothing may be fed afterwards."""
        self._gather()
        found = self._native(last=True) if self.language in LANGUAGES else self._foreign(last=True)
        end = self._base + len(self._text)
        if self._start < end:
            found.append(Span(start=self._start, end=end, score=1.0))
        return found

    def _gather(self) -> None:
        self._text += "".join(self._fresh)
        self._fresh, self._size = [], 0

    def _native(self, *, last: bool) -> list[Span]:
        tokens = tokenize(self._text)
        if not last and len(tokens) <= 2 * MARGIN:
            return []
        limit = len(self._text) if last else int(tokens.starts[-MARGIN])
        found = self._spans(cuts_of(tokens, self.language, threshold=self._threshold), limit)
        if not last:
            # What is decided keeps its last tokens as context for what is not.
            self._drop(int(tokens.starts[len(tokens) - 2 * MARGIN]))
        return found

    def _foreign(self, *, last: bool) -> list[Span]:
        text = printable(self._text)
        found: list[Span] = []
        at = self._decided - self._base
        while at < len(text) and (last or len(text) - at > 2 * PIECE):
            cuts, following = piece_cuts(text, at, self.language)
            if following >= len(text) and not last:
                break  # the spaces behind the piece may go on
            found.extend(self._spans(dict.fromkeys(cuts, 0.9), following))
            at = following
        self._drop(at)
        return found

    def _spans(self, cuts: dict[int, float], limit: int) -> list[Span]:
        found = []
        end = self._base + len(self._text)
        for place in sorted(cuts):
            cut = self._base + place
            if self._decided < cut <= self._base + limit and self._start < cut < end:
                found.append(Span(start=self._start, end=cut, score=round(cuts[place], 4)))
                self._start = cut
        self._decided = self._base + limit
        return found

    def _drop(self, size: int) -> None:
        self._text = self._text[size:]
        self._base += size


def stream_sentences(pieces: Iterable[str], language: str, *, threshold: float = THRESHOLD) -> Iterator[Span]:
    """Yield the sentences of the text that ``pieces`` make up, as soon as they are certain."""
    stream = SentenceStream(language, threshold=threshold)
    for piece in pieces:
        yield from stream.feed(piece)
    yield from stream.close()
