"""Chunks for retrieval: hard limits, exact offsets, and the optimum proved against every packing there is."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from segmentation.algorithms.chunk.pack import _PRICE, chunks, pack
from segmentation.algorithms.chunk.units import units_of
from segmentation.algorithms.sentence.split import split_sentences
from segmentation.tokenizers import characters

SAMPLE = (Path(__file__).resolve().parents[2] / "docs/samples/tr-sample.txt").read_text(encoding="utf-8")


def wordpieces(texts: Sequence[str]) -> list[int]:
    """Count like a tokenizer whose parts do not add up: a piece for every four letters, two special ones."""
    return [2 + sum(-(-len(word) // 4) for word in text.split()) for text in texts]


def split(text: str, *, maximum: int, overlap: int = 0, count: object = wordpieces) -> list[tuple[int, int, int, int]]:
    units = units_of(text, split_sentences(text, "tr"), count=count, maximum=maximum - overlap)  # type: ignore[arg-type]
    return chunks(text, units, count=count, maximum=maximum, overlap=overlap)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [wordpieces, characters])
@pytest.mark.parametrize(("maximum", "overlap"), [(8, 0), (8, 4), (32, 0), (32, 9), (200, 50)])
def test_no_chunk_is_longer_than_the_limit_and_the_cores_rebuild_the_text(
    count: object, maximum: int, overlap: int
) -> None:
    text = SAMPLE[:3000] + " " + "x" * 500 + "😀" * 40 + "\n\n  son. "
    found = split(text, maximum=maximum, overlap=overlap, count=count)
    assert "".join(text[core:end] for _, core, end, _ in found) == text
    for start, core, end, tokens in found:
        assert start <= core < end
        assert tokens == count([text[start:end]])[0] <= maximum  # type: ignore[operator]
    if overlap == 0:
        assert all(start == core for start, core, _, _ in found)
    elif maximum > 8:
        assert any(start < core for start, core, _, _ in found)


def test_random_texts_keep_limit_and_cover() -> None:
    chance = random.Random(5)
    for _ in range(300):
        text = "".join(chance.choices("abc .!?\n😀\u0301(\"'", k=chance.randrange(1, 200)))
        maximum = chance.randrange(8, 40)
        found = split(text, maximum=maximum, overlap=chance.randrange(0, maximum // 2), count=characters)
        assert "".join(text[core:end] for _, core, end, _ in found) == text
        assert all(end - start <= maximum for start, _, end, _ in found)


def cost(sizes: Sequence[int], prices: Sequence[float], ends: Sequence[int], maximum: int) -> float:
    total, begin = 0.0, 0
    for end in ends:
        used = sum(sizes[begin:end])
        if used > maximum:
            return float("inf")
        total += 0.0 if end == len(sizes) else (1 - used / maximum) ** 2 + _PRICE * prices[end - 1]
        begin = end
    return total


def test_the_packing_is_the_cheapest_of_all() -> None:
    chance = random.Random(3)
    for _ in range(150):
        n = chance.randrange(1, 9)
        maximum = 10
        sizes = [chance.randrange(1, 11) for _ in range(n)]
        prices = [chance.choice([0.0, 0.1, 0.3, 1.0, 2.0]) for _ in range(n)]
        every = ([*inner, n] for k in range(n) for inner in itertools.combinations(range(1, n), k))
        least = min(cost(sizes, prices, ends, maximum) for ends in every)
        assert cost(sizes, prices, pack(sizes, prices, maximum=maximum), maximum) == pytest.approx(least)


def test_chunks_end_with_sentences_where_they_can() -> None:
    text = "Birinci cümle burada bitiyor. İkinci cümle de burada bitiyor. Üçüncü cümle kısa. Dördüncü cümle son."
    for _, _, end, _ in split(text, maximum=24):
        assert text[:end].rstrip().endswith(".")
