"""The piece of a text that shows why it was found. Pure.

PostgreSQL marks the matching words in a folded copy, for that is where the query matches; the marks are carried over to
the text as it was written, since folding keeps every place. Where it did not (rare decompositions), there is
no mark.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

START, STOP = "\x01", "\x02"
WIDTH = 240
Span = tuple[int, int]


def spans(marked: str, *, length: int) -> list[Span]:
    """Return the places between START and STOP, counted without the marks; none when the lengths do not agree."""
    found: list[Span] = []
    place = begin = 0
    for character in marked:
        if character == START:
            begin = place
        elif character == STOP:
            found.append((begin, place))
        else:
            place += 1
    return found if place == length else []


def merged(groups: Iterable[Sequence[Span]]) -> list[Span]:
    """Return the spans of all groups in order, overlapping ones as one."""
    found: list[Span] = []
    for start, end in sorted(span for group in groups for span in group):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def fragment(text: str, matches: Sequence[Span], *, width: int = WIDTH) -> str:
    """Return about ``width`` characters around the densest matches as HTML: text escaped, matches in ``<mark>``."""
    start, end = _window(text, matches, width)
    pieces = ["…" if start else ""]
    place = start
    for left, right in matches:
        if left < start or right > end:
            continue
        pieces += [html.escape(text[place:left]), "<mark>", html.escape(text[left:right]), "</mark>"]
        place = right
    pieces += [html.escape(text[place:end]), "…" if end < len(text) else ""]
    return "".join(pieces)


def _window(text: str, matches: Sequence[Span], width: int) -> Span:
    if not matches:
        return 0, _word_end(text, min(width, len(text)))
    best = max(
        matches, key=lambda match: sum(match[0] <= left and right <= match[0] + width for left, right in matches)
    )
    start = max(0, best[0] - width // 5)
    # Not in the middle of a word: on to the next space, when one comes before the match.
    space = text.find(" ", start, best[0]) if start else -1
    start = space + 1 if space >= 0 else start
    return start, _word_end(text, max(best[1], min(start + width, len(text))))


def _word_end(text: str, end: int) -> int:
    if end >= len(text):
        return len(text)
    space = text.find(" ", end, end + 30)
    return space if space >= 0 else end
