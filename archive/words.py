"""The words of a search: websearch syntax ("a phrase", or, -without) split into what must and must not be there.

The database reads a query in three ways (Turkish stems, English stems, plain words) joined by OR. A negation inside
such a union would only forbid one reading, so forbidden words are taken out first and forbidden in all of them. Pure.
"""

from __future__ import annotations

import re

from archive.keyset import Clause

_TERM = re.compile(r'(?P<minus>(?<!\S)-)?(?P<body>"[^"]*"?|[^\s"]+)')


def expression(words: str) -> Clause:
    """Return a tsquery expression for ``words``."""
    wanted: list[str] = []
    forbidden: list[str] = []
    for term in _TERM.finditer(words):
        (forbidden if term["minus"] else wanted).append(term["body"])
    parts: list[str] = []
    parameters: list[str] = []
    if wanted or not forbidden:
        parts.append("archive_query(%s)")
        parameters.append(" ".join(wanted))
    for body in forbidden:
        parts.append("!! archive_query(%s)")
        parameters.append(body)
    return f"({' && '.join(parts)})", list(parameters)
