"""What the layout of a text says about where a topic may begin: paragraphs and headings."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
_BLANK_LINE = re.compile(r"(?:\r\n|[\n\r\u2028])[^\S\n\r]*(?:\r\n|[\n\r\u2028])\s*$|\u2029\s*$")
_HEADING = 80  # characters
_PARAGRAPH_FACTOR, _HEADING_FACTOR, _INSIDE_FACTOR = 1.0, 0.6, 1.3


def price_factors(sentences: Sequence[str]) -> FloatArray:
    """Return, for each sentence, what a topic that begins there costs against the usual price.

    Writers rarely change the subject inside a paragraph, and often after a heading. In a text without blank lines all
    factors are 1; so they are where nearly every sentence stands alone, since such breaks tell nothing.
    """
    count = len(sentences)
    factors = np.ones(count)
    after_blank = np.array([False] + [_BLANK_LINE.search(text[-40:]) is not None for text in sentences[:-1]])
    breaks = int(after_blank.sum())
    if breaks == 0 or breaks > 0.6 * count:
        return factors
    before_blank = np.append(after_blank[1:], True)
    short = np.array([len(text) <= _HEADING and text.rstrip()[-1:] not in ".!?…:;,\"'”’)" for text in sentences])
    factors[:] = _INSIDE_FACTOR
    factors[after_blank] = _PARAGRAPH_FACTOR
    heading = after_blank & before_blank & short
    factors[heading] = _HEADING_FACTOR
    # A cut between a heading and its own text would take the heading from it.
    factors[1:][heading[:-1]] = 2.0
    return factors
