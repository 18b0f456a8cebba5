"""Which language a text is in."""

from __future__ import annotations

import logging
import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

from segmentation.algorithms import identifier
from segmentation.algorithms.sentence.features import lower
from segmentation.algorithms.wordlist import words

logger = logging.getLogger(__name__)
# The languages that can be told apart and split well: ours and those that sentencex has rules for.
DETECTED = words(
    "tr en de fr es it pt nl ru uk bg pl cs sk da sv nb fi el ar fa he hi bn ta te ml mr gu kn pa ja zh "
    "ko hu ro ca eu hy kk"
)
SHORT = 24  # letters; less than this says little by its letters' statistics
_SAMPLE = 4_000
_TURKISH = re.compile(r"[ğışİĞŞ]")
_TURKISH_WORDS = words(
    "ve bir bu da de için ile çok ne var yok mı mi mu mü ben sen o biz siz onlar gibi daha ama sonra "
    "değil kadar olarak en şu her ki bana sana onu bunu evet hayır lütfen merhaba nasıl neden kim ise "
    "veya aç kapat gönder göster bul oku sil"
)
_ENGLISH_WORDS = words(
    "the a an and of to in is are was it that for on with as this be at by from or not you i he she we "
    "they have has what how why who please hello yes no do does my your then if open close send show find "
    "read delete all"
)
_folder: Path | None = None
_WORD = re.compile(r"[^\W\d_]+")


def detect(text: str) -> str:
    """Return the ISO 639-1 code of the language of ``text``: one of ``DETECTED``, English when nothing speaks.

    Common words decide first (a command or a title has too few letters for statistics), then py3langid over a sample
    from the beginning, the middle and the end.
    """
    sample = _sample(text)
    found = _WORD.findall(sample)
    turkish = sum(lower(word, "tr") in _TURKISH_WORDS for word in found) + bool(_TURKISH.search(sample))
    english = sum(word.lower() in _ENGLISH_WORDS for word in found)
    letters = sum(map(len, found))
    if letters < SHORT and (turkish or english or not letters or sample.isascii()):
        return "tr" if turkish > english else "en"
    if max(turkish, english) >= 0.2 * len(found) and max(turkish, english) >= 3 * min(turkish, english) + 1:
        return "tr" if turkish > english else "en"
    code, _ = _identifier().classify(unicodedata.normalize("NFC", sample))
    return str(code)


def _sample(text: str) -> str:
    if len(text) > _SAMPLE:
        third, middle = _SAMPLE // 3, len(text) // 2
        text = f"{text[:third]} {text[middle : middle + third]} {text[-third:]}"
    return text.encode("utf-8", "replace").decode("utf-8")


def keep_tables_in(folder: Path) -> None:
    """Share the tables of languages with other processes by files in ``folder`` from the first use on."""
    global _folder
    _folder = folder


@cache
def _identifier() -> Any:
    languages = sorted(DETECTED)
    if _folder is not None:
        try:
            return identifier.mapped(languages, _folder)
        except OSError:
            logger.warning("this process holds the tables of languages itself", exc_info=True)
    return identifier.in_memory(languages)
