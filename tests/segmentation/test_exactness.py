"""The law of exactness: spans are ordered, disjoint, cover the text and rebuild it; time is linear."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segmentation.algorithms.sentence.split import split_sentences
from segmentation.algorithms.spans import is_exact
from segmentation.algorithms.tokens import tokenize

# Texts of what splitters stumble over, mixed with any code point at all, lone surrogates included.
PIECES = st.sampled_from(
    [
        ". ",
        "! ",
        "? ",
        "… ",
        "\r\n",
        "\n\n",
        "\r",
        "\u2028",
        "\u0085",
        "\u200b",
        "\u200d",
        "\ufeff",
        "\x00",
        '"',
        "“",
        "(",
        "Dr. ",
        "1. ",
        "II. ",
        "vb. ",
        "e\u0301",
        "😀",
        "👩‍👩‍👧‍👦",
        "\ud800",
        "\udfff",
        "İ",
        "ı",
        "ß",
        "。",
        "؟ ",
        "Bitti.Sonra",
        "- ",
        "a) ",
    ]
)
TEXTS = st.lists(st.one_of(PIECES, st.text(st.characters(), max_size=8)), max_size=40).map("".join)


@settings(max_examples=400, deadline=None)
@given(text=TEXTS, language=st.sampled_from(["tr", "en", "de", "ja", "xx"]))
@example(text="", language="tr")
@example(text="\n", language="de")
@example(text="a\ud800. B", language="de")
def test_sentences_rebuild_any_text(text: str, language: str) -> None:
    spans = split_sentences(text, language)
    assert is_exact(len(text), spans)
    assert "".join(text[span.start : span.end] for span in spans) == text
    assert all(0 <= span.score <= 1 for span in spans)


def test_a_hundred_thousand_random_texts_are_rebuilt() -> None:
    chance = random.Random(7)
    alphabet = "aAbİıŞ19.!?…,;:'\"()[]- \t\n\r\u0085\u2029\u0301😀\u200d\ud83d\udc00漢。"
    for _ in range(100_000):
        if chance.random() < 0.5:
            text = "".join(chance.choices(alphabet, k=chance.randrange(14)))
        else:
            text = "".join(chr(chance.randrange(0x110000)) for _ in range(chance.randrange(8)))
        assert is_exact(len(text), split_sentences(text, "tr" if len(text) % 2 else "en")), ascii(text)


@given(text=st.text(max_size=60))
def test_tokens_are_those_of_str_split(text: str) -> None:
    tokens = tokenize(text)
    found = [text[start:end] for start, end in zip(tokens.starts, tokens.ends, strict=True)]
    assert found == text.split()


BOMBS = {
    "one word": "x",
    "full stops": ".",
    "open brackets": "(",
    "quotes": '" ',
    "initials": "A. ",
    "numbers": "1. ",
    "digits": "1.",
    "spaces": " ",
    "line breaks": "\n",
    "list markers": "- ",
    "unpaired quote": 'Söyledi: "gel ',
    "abbreviations": "Dr. ",
    "emoji": "😀",
    "combining marks": "\u0301",
    "glued sentences": "Bitti.Sonra",
}


@pytest.mark.parametrize("unit", BOMBS.values(), ids=BOMBS)
@pytest.mark.parametrize("language", ["tr", "en", "de"])
def test_no_input_takes_more_than_its_length_deserves(unit: str, language: str) -> None:
    text = (unit * 200_000)[:200_000]
    begun = time.process_time()
    spans = split_sentences(text, language)
    took = time.process_time() - begun
    assert is_exact(len(text), spans)
    # Quadratic work on 200 kB would take minutes; linear work takes well under a second.
    assert took < 10


def test_a_quote_left_open_changes_nothing_far_away() -> None:
    body = "Bir cümle burada. İkinci cümle orada. Üçüncüsü de var. " * 40
    plain = {span.start for span in split_sentences(body, "tr")}
    opened = {span.start - 1 for span in split_sentences('"' + body, "tr")}
    assert {start for start in plain if start > 1000} == {start for start in opened if start > 1000}
