"""The verdict on a series: what is called a leak, what is clean, and what is neither."""

from __future__ import annotations

import numpy as np
import pytest

from altlas.memory.course import Course, Sample, find, warm_after
from altlas.memory.verdict import Answer, judge


def series(slope: float, noise: float, *, seed: int = 0, count: int = 200, correlation: float = 0.8):
    rng = np.random.default_rng(seed)
    x = np.arange(count) * 25.0
    error = np.zeros(count)
    for at in range(1, count):  # readings of memory follow each other closely
        error[at] = correlation * error[at - 1] + rng.normal(scale=noise)
    return x, 100 * 2**20 + slope * x + error


@pytest.mark.parametrize("seed", range(10))
def test_growth_above_the_budget_is_a_leak(seed: int) -> None:
    found = judge(*series(1024, 20_000, seed=seed), budget=300)
    assert found.answer is Answer.LEAK


@pytest.mark.parametrize("correlation", [0.0, 0.8, 0.95])
def test_the_interval_holds_the_true_slope_as_often_as_it_says(correlation: float) -> None:
    runs = [judge(*series(1024, 20_000, seed=seed, correlation=correlation), budget=300) for seed in range(100)]
    assert sum(run.low <= 1024 <= run.high for run in runs) >= 92


@pytest.mark.parametrize("seed", range(10))
def test_noise_without_growth_is_clean(seed: int) -> None:
    assert judge(*series(0, 20_000, seed=seed), budget=300).answer is Answer.CLEAN


def test_noise_that_could_hide_the_budget_is_inconclusive_and_never_clean() -> None:
    assert judge(*series(0, 2_000_000), budget=30).answer is Answer.INCONCLUSIVE


def test_one_step_is_no_leak() -> None:
    x, y = series(0, 1000)
    y[100:] += 5 * 2**20
    assert judge(x, y, budget=3000).answer is not Answer.LEAK


def test_a_cache_that_fills_up_is_no_leak() -> None:
    x, y = series(0, 1000)
    y += 20 * 2**20 * (1 - np.exp(-x / 800))
    assert judge(x, y, budget=300).answer is not Answer.LEAK


def test_a_few_readings_are_inconclusive() -> None:
    assert judge(range(11), range(11), budget=0.1).answer is Answer.INCONCLUSIVE


def test_the_same_series_always_gets_the_same_verdict() -> None:
    assert judge(*series(10, 5000), budget=30) == judge(*series(10, 5000), budget=30)


def samples(shapes: list[int]) -> list[Sample]:
    return [Sample(requests=10 * at, values={"shapes": value, "anon": 1.0}) for at, value in enumerate(shapes)]


def test_the_warm_up_lasts_until_no_new_shape_comes() -> None:
    assert warm_after(samples([1, 5, 20, 36, 36, 36, *[36] * 20])) == 30


def test_shapes_that_never_stop_coming_are_a_leak_of_that_name() -> None:
    course = Course(samples=samples(list(range(1, 200))))
    finding = find(course, budget_bytes=30.0, names=("anon", "shapes"))
    assert finding.answer is Answer.LEAK
    assert finding.cause is not None and finding.cause.name == "shapes"
