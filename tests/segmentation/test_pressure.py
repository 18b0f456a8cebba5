"""What a verification of memory takes for growth: what processes gain while they live, as long as it goes on."""

from __future__ import annotations

import random

from altlas.kernel.verification.figures import slope
from segmentation.verification.pressure import Course

MB_PER_REQUEST = 48 / 1024
NODE, MODEL, SPARE = (1, "python"), (2, "runner model"), (3, "runner spare")


def course(*readings: dict[tuple[int, str], float], block: int = 20) -> Course:
    taken = Course()
    for number, parts in enumerate(readings, start=1):
        taken.take(number * block, parts)
    return taken


def test_what_processes_gain_while_they_live_is_growth() -> None:
    found = course({NODE: 100.0, MODEL: 50.0}, {NODE: 101.0, MODEL: 52.0}, {NODE: 102.0, MODEL: 54.0})
    assert found.gained == [(20.0, 0.0), (40.0, 3.0), (60.0, 6.0)]
    assert found.held == [(20.0, 150.0), (40.0, 153.0), (60.0, 156.0)]


def test_a_model_that_somebody_loads_or_unloads_is_none() -> None:
    """A spare that takes a model keeps its pid, so that it is known by its name."""
    loaded = (SPARE[0], "runner other")
    found = course(
        {NODE: 100.0, SPARE: 14.0}, {NODE: 100.0, loaded: 400.0}, {NODE: 100.0, loaded: 400.0}, {NODE: 100.0}
    )
    assert [gained for _, gained in found.gained] == [0.0] * 4


def test_a_process_that_leaks_until_it_is_replaced_does_not_hide_it() -> None:
    readings = [{NODE: 100.0, (pid, "runner model"): 50.0 + 20 * step} for pid in range(2, 8) for step in range(3)]
    found = course(*readings)
    assert slope(found.gained) > MB_PER_REQUEST
    assert found.gained[-1][1] == 6 * 40.0


def test_a_leak_in_every_block_is_told_at_once() -> None:
    found = course(*({MODEL: 50.0 + 2 * number} for number in range(8)))
    assert slope(found.gained) > MB_PER_REQUEST
    assert not found.doubtful(MB_PER_REQUEST)


def test_working_memory_that_comes_and_goes_is_outweighed_by_a_longer_run() -> None:
    """The model's process as it was read: between 106 and 119 MB, whatever came before."""
    dice = random.Random(0)
    short = [105.8, 106.8, 107.5, 109.0, 111.9, 112.2, 111.9, 116.9]
    readings = [{MODEL: held} for held in (*short, *(dice.uniform(106.0, 119.0) for _ in range(24)))]
    assert course(*readings[:8]).doubtful(MB_PER_REQUEST)
    whole = course(*readings)
    assert slope(whole.gained) < MB_PER_REQUEST / 2
    assert not whole.doubtful(MB_PER_REQUEST)


def test_a_slow_leak_under_the_same_noise_stays_red() -> None:
    dice = random.Random(0)
    readings = [{MODEL: 110.0 + number * 20 * 0.1 + dice.uniform(-6.0, 6.0)} for number in range(32)]
    assert slope(course(*readings).gained) > MB_PER_REQUEST
