"""How long a forward pass waits for others to share it."""

from __future__ import annotations

import threading
import time

from orchestrator.runner.batching import NARROW, Company, Item, Pool, Request
from tests.orchestrator.support import echo, supervised, within


def pool_of(*lengths: int, bound: int = 1024) -> Pool:
    pool = Pool(token_bound=bound)
    for number, length in enumerate(lengths):
        request = Request(id=number, count=1, arrival=number)
        pool.add(request, [Item(request, 0, length, None)])
    return pool


def test_nobody_waits_for_company_that_was_not_there() -> None:
    company = Company(most=1.0)
    assert company.patience(pool_of(8)) == 0.0, "the first request of all"
    company.passed(1, seconds=0.1)
    assert company.patience(pool_of(8)) == 0.0, "a lone client"
    assert company.patience(pool_of()) == 0.0


def test_one_of_many_waits_for_the_others_and_no_longer_than_half_a_pass() -> None:
    company = Company(most=1.0)
    company.passed(4, seconds=0.1)
    assert company.patience(pool_of(8)) == 0.1 / 2
    assert company.patience(pool_of(8, 8, 8, 8)) == 0.0, "all are there"
    company.passed(4, seconds=100.0)
    assert company.patience(pool_of(8)) == 1.0
    company.passed(1, seconds=0.1)
    assert company.patience(pool_of(8)) == 0.0, "the others did not come back"


def test_nobody_waits_where_there_is_enough_to_do() -> None:
    company = Company(most=1.0)
    company.passed(9, seconds=0.1)
    assert company.patience(pool_of(NARROW - 1)) > 0.0
    assert company.patience(pool_of(NARROW)) == 0.0
    assert company.patience(pool_of(14, 14, 14, 14)) > 0.0
    assert company.patience(pool_of(14, 14, 14, 14, 14)) == 0.0


def test_clients_that_come_one_after_the_other_share_a_pass() -> None:
    """Four clients ask again within 10 ms of their answer. Without a wait the first of them goes alone every time."""
    spec, passes = echo("echo", latency_seconds=1.0), list[tuple[int, float]]()
    with supervised(batch_delay=0.5) as scene:
        scene.supervisor.infer(spec, ["x"], deadline=within(30))

        def ask(number: int) -> None:
            for _ in range(5):
                answer = scene.supervisor.infer(spec, [f"client {number}"], deadline=within(30))
                passes.extend(answer["batches"])
                time.sleep(0.002 * number)

        clients = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    assert sum(size for size, _seconds in passes) == 20
    assert len(passes) <= 7, "five shared ones, and the first that nobody could know to be shared; ten without a wait"
