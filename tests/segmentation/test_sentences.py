"""Sentences: the golden sets, and streaming in any pieces."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from segmentation.algorithms.sentence.split import split_sentences
from segmentation.algorithms.sentence.stream import BLOCK, stream_sentences
from segmentation.algorithms.spans import Span, is_exact
from tests.segmentation.golden import judge, load


@pytest.mark.parametrize("language", ["tr", "en"])
def test_the_golden_sentences_are_found(language: str) -> None:
    cases = load(language)
    kinds = Counter(case.kind for case in cases)
    assert len(cases) >= 120
    assert len(kinds) == 20
    right, wrong = judge(cases, lambda text: [span.end for span in split_sentences(text, language)[:-1]])
    report = ", ".join(f"{kind} {right[kind]}/{count}" for kind, count in kinds.items())
    assert sum(right.values()) >= 0.95 * len(cases), report
    assert min(right[kind] / count for kind, count in kinds.items()) >= 0.5, report
    assert len(wrong) == len(cases) - sum(right.values())


def pieces_of(text: str, chance: random.Random, longest: int) -> list[str]:
    found = []
    at = 0
    while at < len(text):
        size = chance.randrange(0, longest)
        found.append(text[at : at + size])
        at += size
    return found


def corpus(language: str, chance: random.Random) -> str:
    parts = [case.text for case in load("tr" if language == "tr" else "en")]
    parts += [
        "\n\n",
        "\r\n",
        '"',
        "(",
        " 😀 ",
        "bitti.Sonra ",
        "word " * 70,
        "\ud800",
        "x" * 300,
        "  \n \n  ",
        "- ",
        "1. ",
    ]
    return " ".join(chance.choices(parts, k=2500))


@pytest.mark.parametrize("language", ["tr", "en", "de"])
def test_streaming_in_any_pieces_gives_the_sentences_of_the_whole(language: str) -> None:
    chance = random.Random(17)
    for longest in (3 * BLOCK, BLOCK // 3, 700):
        text = corpus(language, chance)
        assert len(text) > 4 * BLOCK
        assert list(stream_sentences(pieces_of(text, chance, longest), language)) == split_sentences(text, language)


@pytest.mark.parametrize("text", ["", "a", " ", "Bir. İki.", "x" * (3 * BLOCK), " " * (3 * BLOCK), ". " * (2 * BLOCK)])
@pytest.mark.parametrize("language", ["tr", "de"])
def test_streams_of_odd_texts_are_exact(language: str, text: str) -> None:
    found = list(stream_sentences([text[at : at + 4001] for at in range(0, len(text), 4001)], language))
    assert found == split_sentences(text, language)
    assert is_exact(len(text), found)


def test_a_stream_tells_sentences_long_before_its_end() -> None:
    fed = 0
    seen: list[tuple[int, Span]] = []

    def pieces() -> object:
        nonlocal fed
        for _ in range(60):
            fed += 1
            yield "Bu uzunca bir cümledir ve burada biter. " * 50

    for span in stream_sentences(pieces(), "tr"):  # type: ignore[arg-type]
        seen.append((fed, span))
    assert seen[0][0] < 20
    assert len(seen) == 3000


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("tr", ["Film bitti ... ! ", "Sonra eve gittik ."]),
        ("tr", ["Adam öldü ? ! ", "Sonra eve gittik ."]),
        ("tr", ["Kimse gelmedi ! ! ", "Sonra eve gittik ."]),
        ("en", ["We waited for hours ... . ", "Then we left ."]),
    ],
)
def test_no_sentence_begins_with_the_mark_that_ends_one(language: str, sentences: list[str]) -> None:
    text = "".join(sentences)
    assert [text[span.start : span.end] for span in split_sentences(text, language)] == sentences
