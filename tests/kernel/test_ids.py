"""UUIDv7: sorted by creation, unique over threads."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from altlas.kernel.ids import uuid7


def test_ids_sort_in_the_order_of_their_creation_and_hold_the_time() -> None:
    before = time.time_ns() // 1_000_000
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(made)
    assert {value.version for value in made} == {7}
    assert {value.variant for value in made} == {"specified in RFC 4122"}
    assert before <= made[0].int >> 80 <= time.time_ns() // 1_000_000


def test_ids_of_many_threads_differ() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = [value for part in pool.map(lambda _: [uuid7() for _ in range(2_000)], range(8)) for value in part]
    assert len(set(made)) == len(made)
