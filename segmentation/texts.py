"""Which texts can be taken. Pure: a text in, a fault or None out."""

from __future__ import annotations

import re

from altlas.kernel.errors import FieldError

_SURROGATE = re.compile(r"[\ud800-\udfff]")
LANGUAGE = re.compile(r"[a-z]{2,3}")


def fault_of(text: str, *, pointer: str, maximum: int) -> FieldError | None:
    """Return why ``text`` cannot be segmented and kept, or None.

    An empty text, or one of spaces alone, has nothing to segment. U+0000 and lone surrogates cannot be stored by
    PostgreSQL or sent as UTF-8; changing them silently would break the offsets, so they are refused by name.
    """
    if len(text) > maximum:
        detail = f"{len(text)} characters; at most {maximum} are taken. Split the text or send it as several."
        return FieldError(pointer=pointer, code="too_long", detail=detail)
    if not text or text.isspace():
        return FieldError(pointer=pointer, code="blank", detail="The text is empty or holds spaces alone.")
    at = text.find("\x00")
    if at >= 0:
        return FieldError(pointer=pointer, code="nul_character", detail=f"U+0000 at {at} cannot be kept; remove it.")
    match = _SURROGATE.search(text)
    if match:
        detail = f"Lone surrogate U+{ord(match[0]):04X} at {match.start()} is not text; remove or pair it."
        return FieldError(pointer=pointer, code="lone_surrogate", detail=detail)
    return None
