"""Five hundred pairs of Turkish words as stored and as searched for: with and without dots, small and capital."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from altlas.kernel.ids import uuid7
from archive import selectors
from archive.filters import RecordFilters
from archive.models import Record

pytestmark = pytest.mark.django_db
_SAMPLE = Path(__file__).resolve().parents[2] / "docs" / "samples" / "tr-sample.txt"
PAIRS = 500


def capitals(word: str) -> str:
    return word.replace("i", "İ").replace("ı", "I").upper()


def plain(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", word.replace("ı", "i")) if not unicodedata.combining(c))


def decomposed(word: str) -> str:
    return unicodedata.normalize("NFD", word)


# How a word may be written by one who has, or has not, a Turkish keyboard.
FORMS = (
    lambda word: word,
    capitals,
    plain,
    lambda word: plain(word).upper(),
    lambda word: capitals(word).capitalize(),
    lambda word: decomposed(capitals(word)),
)


def pairs() -> list[tuple[str, str, str]]:
    """Return (stored, searched for, language), every form of a word against every other."""
    text = _SAMPLE.read_text(encoding="utf-8").lower()
    words = sorted({word for word in re.findall(r"[a-zçğıöşü]{4,}", text) if set(word) & set("iı")})
    found = []
    for number, word in enumerate(words * len(FORMS) * len(FORMS)):
        turn = number // len(words) + number
        stored, searched = FORMS[turn % len(FORMS)], FORMS[(turn // len(FORMS)) % len(FORMS)]
        found.append((stored(word), searched(word), ("tr", "en", "")[number % 3]))
    return list(dict.fromkeys(found))[:PAIRS]


def test_every_pair_meets(ada: Any) -> None:
    table = pairs()
    assert len(table) == PAIRS
    made = Record.objects.bulk_create(
        Record(id=uuid7(), owner_id=ada.pk, kind="note", text=stored, language=language)
        for stored, _, language in table
    )
    lost = []
    for record, (stored, searched, language) in zip(made, table, strict=True):
        rows = selectors.records_page(filters=RecordFilters(owner_id=ada.pk, words=searched), limit=200).rows
        if not any(str(record.pk) in row for row in rows):
            lost.append((stored, searched, language))
    assert lost == []
