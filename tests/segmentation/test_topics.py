"""Topics: the dynamic programme against every segmentation there is, limits, and two levels."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from segmentation.algorithms.topic.dynamic import SegmentCosts, best_cuts, best_cuts_of, coarse_cuts
from segmentation.algorithms.topic.segment import TopicOptions, find_topics
from segmentation.training.topics import pk


def gram(count: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, 4))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found: np.ndarray = rows @ rows.T
    return found


def all_cuts(count: int, minimum: int, maximum: int) -> Iterator[list[int]]:
    for size in range(count):
        for cuts in itertools.combinations(range(1, count), size):
            edges = [0, *cuts, count]
            if all(minimum <= b - a <= maximum for a, b in itertools.pairwise(edges)):
                yield list(cuts)


def cost(costs: SegmentCosts, cuts: list[int], prices: np.ndarray) -> float:
    edges = [0, *cuts, costs.count]
    return sum(costs.cost(a, b) + prices[a] for a, b in itertools.pairwise(edges))


@pytest.mark.parametrize(("minimum", "maximum"), [(1, 9), (2, 4), (3, 9), (1, 2)])
def test_the_segmentation_is_the_cheapest_of_all_within_the_limits(minimum: int, maximum: int) -> None:
    for seed in range(25):
        count = 4 + seed % 6
        costs = SegmentCosts(gram(count, seed))
        prices = np.random.default_rng(seed + 100).uniform(0.2, 1.5, count)
        every = list(all_cuts(count, minimum, maximum))
        if not every:
            continue
        found = best_cuts(costs, prices=prices, minimum=minimum, maximum=maximum)
        assert found in every
        assert cost(costs, found, prices) == pytest.approx(min(cost(costs, cuts, prices) for cuts in every))


def test_with_the_number_given_it_is_the_cheapest_of_that_number() -> None:
    for seed in range(25):
        count = 5 + seed % 5
        costs, prices = SegmentCosts(gram(count, seed)), np.ones(count)
        for segments in (1, 2, 3):
            every = [cuts for cuts in all_cuts(count, 1, count) if len(cuts) == segments - 1]
            found = best_cuts_of(costs, segments=segments, prices=prices, minimum=1, maximum=count)
            assert cost(costs, found, prices) == pytest.approx(min(cost(costs, cuts, prices) for cuts in every))


def test_sections_are_the_cheapest_choice_among_the_topics() -> None:
    for seed in range(15):
        costs = SegmentCosts(gram(12, seed))
        prices = np.zeros(12)
        cuts = [2, 3, 5, 8, 10]
        for segments in (1, 2, 3, 6):
            every = [list(chosen) for chosen in itertools.combinations(cuts, segments - 1)]
            found = coarse_cuts(costs, cuts, segments=segments)
            assert cost(costs, found, prices) == pytest.approx(min(cost(costs, chosen, prices) for chosen in every))


def blocks(sizes: list[int]) -> tuple[list[str], np.ndarray]:
    words = ["kedi mırlar uyur", "yağmur nehir sel", "borsa faiz kur", "maç gol takım", "hamur fırın ekmek"]
    rows, texts = [], []
    for number, size in enumerate(sizes):
        for place in range(size):
            row = np.full(8, 0.05)
            row[number % 8] = 1.0
            rows.append(row / np.linalg.norm(row))
            texts.append(f"{words[number % 5]} {place}.")
    return texts, np.array(rows, dtype=np.float32)


def test_topics_are_found_with_their_number_unknown_given_or_wished() -> None:
    texts, vectors = blocks([6, 8, 7, 9])
    edges = [6, 14, 21]
    assert find_topics(texts, vectors, language="tr", options=TopicOptions()).cuts == edges
    assert len(find_topics(texts, vectors, language="tr", options=TopicOptions(segments=2)).cuts) == 1
    assert len(find_topics(texts, vectors, language="tr", options=TopicOptions(target_length=7.5)).cuts) == 3


def test_scores_lie_between_nothing_and_certainty_and_limits_hold() -> None:
    texts, vectors = blocks([6, 8, 7, 9])
    found = find_topics(texts, vectors, language="tr", options=TopicOptions(minimum=3, maximum=5))
    assert all(3 <= b - a <= 5 for a, b in itertools.pairwise([0, *found.cuts, len(texts)]))
    assert all(0 <= score <= 1 for score in found.scores)


def test_sections_group_topics() -> None:
    texts, vectors = blocks([5, 5, 5, 5])
    found = find_topics(texts, vectors, language="tr", options=TopicOptions(sections=True))
    assert len(found.sections) == 1
    assert set(found.sections) <= set(found.cuts)


def test_pk_is_nothing_for_the_truth_and_something_for_its_opposite() -> None:
    assert pk([5, 10], [5, 10], 15) == 0
    assert pk([5, 10], [], 15) > 30
