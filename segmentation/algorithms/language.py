"""Which language a text is in."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any

from segmentation.algorithms.sentence.features import lower
from segmentation.algorithms.wordlist import words

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
_WORD = re.compile(r"[^\W\d_]+")


def detect(text: str) -> str:
    """Return the ISO 639-1 code of the language of ``text``: one of ``DETECTED``, English when nothing speaks.

    Common words decide first (a command or a title has too few letters for statistics), then py3langid over a sample
    from the beginning, the middle and the end.
    """
    sample = _sample(text)
    code = _by_words(sample)
    if code is None:
        code, _ = _identifier().classify(unicodedata.normalize("NFC", sample))
    return str(code)


def detect_by_words(text: str) -> str | None:
    """Return what ``detect`` would, or None when that takes statistics of letters, which are large to hold."""
    return _by_words(_sample(text))


def _by_words(sample: str) -> str | None:
    found = _WORD.findall(sample)
    turkish = sum(lower(word, "tr") in _TURKISH_WORDS for word in found) + bool(_TURKISH.search(sample))
    english = sum(word.lower() in _ENGLISH_WORDS for word in found)
    letters = sum(map(len, found))
    if letters < SHORT and (turkish or english or not letters or sample.isascii()):
        return "tr" if turkish > english else "en"
    if max(turkish, english) >= 0.2 * len(found) and max(turkish, english) >= 3 * min(turkish, english) + 1:
        return "tr" if turkish > english else "en"
    return None


def _sample(text: str) -> str:
    if len(text) > _SAMPLE:
        third, middle = _SAMPLE // 3, len(text) // 2
        text = f"{text[:third]} {text[middle : middle + third]} {text[-third:]}"
    return text.encode("utf-8", "replace").decode("utf-8")


@cache
def _identifier() -> Any:
    # Imported and loaded at the first use: it holds tens of megabytes that the web process never needs.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages([code for code in sorted(DETECTED) if code in set(identifier.labels)])
    return identifier
