"""The grid of shapes and the batches that are made for it."""

from __future__ import annotations

import random

import pytest

from orchestrator.runner.batching import Item, Pool, Request
from orchestrator.runner.shapes import LIMIT, Grid, Shape, in_use


@pytest.mark.parametrize("bound", [1, 64, 512, 1024, 100_000])
@pytest.mark.parametrize("longest", [1, 5, 20, 128, 256, 512, 8192, 1 << 20])
def test_no_grid_has_more_shapes_than_allowed_and_every_one_is_within_the_token_bound(longest: int, bound: int) -> None:
    grid = Grid.build(max_tokens=longest, token_bound=bound)
    assert 1 <= len(grid) <= LIMIT
    assert grid.widths[-1] == longest
    assert all(shape.rows == 1 or shape.rows * shape.width <= bound for shape in grid.shapes())
    assert all(sizes[0] == 1 for sizes in grid.sizes)


def test_a_shape_holds_what_it_is_asked_to_hold() -> None:
    grid = Grid.build(max_tokens=256, token_bound=1024)
    for longest in range(1, 257):
        for rows in range(1, grid.room(grid.width(longest)) + 1):
            shape = grid.shape(rows, longest)
            assert shape.rows >= rows and shape.width >= longest
    with pytest.raises(ValueError, match="do not fit"):
        grid.shape(1000, 256)


def test_another_grid_has_a_shape_that_holds_what_fits_into_it() -> None:
    grid = Grid.build(max_tokens=256, token_bound=1024)
    smaller = Grid.build(max_tokens=64, token_bound=256)
    assert grid.like(grid.shapes()) == grid.shapes()
    assert grid.like([]) == []
    assert set(smaller.like(grid.shapes())) <= set(smaller.shapes())
    assert smaller.like([Shape(1, 256), Shape(4, 8), Shape(64, 16)]) == [Shape(16, 16), Shape(1, 64), Shape(4, 8)]


def test_shapes_in_use_are_those_of_nearly_all_passes() -> None:
    assert in_use({}) == []
    assert in_use({Shape(1, 8): 1}) == [Shape(1, 8)]
    assert in_use({Shape(1, 8): 5, Shape(4, 8): 990, Shape(2, 8): 5}) == [Shape(4, 8)]
    assert set(in_use({Shape(1, 8): 50, Shape(4, 8): 950})) == {Shape(1, 8), Shape(4, 8)}


def test_a_few_short_texts_are_not_padded_and_nothing_is_padded_to_more_than_twice_its_rows() -> None:
    grid = Grid.build(max_tokens=256, token_bound=1024)
    for longest in (8, 12, 16, 24, 32, 64):
        assert [grid.shape(rows, longest).rows for rows in (1, 2, 3, 4)] == [1, 2, 3, 4]
    for longest in grid.widths:
        for rows in range(1, grid.room(longest) + 1):
            assert grid.shape(rows, longest).rows < 2 * rows


def test_two_short_texts_that_wait_share_a_pass() -> None:
    pool = Pool(token_bound=1024, grid=Grid.build(max_tokens=256, token_bound=1024))
    for number in (1, 2):
        request = Request(id=number, count=1, arrival=number)
        pool.add(request, [Item(request, 0, 14, None)])
    assert len(pool.next_batch()) == 2


def drained(pool: Pool) -> list[list[Item]]:
    batches = []
    while pool:
        batches.append(pool.next_batch())
        assert batches[-1]
    return batches


@pytest.mark.parametrize("seed", range(20))
def test_every_input_is_computed_once_in_a_shape_of_the_grid(seed: int) -> None:
    rng = random.Random(seed)
    grid = Grid.build(max_tokens=256, token_bound=1024)
    pool = Pool(token_bound=1024, grid=grid)
    sent = []
    for number in range(rng.randint(1, 12)):
        request = Request(id=number, count=0, arrival=number, params={"kind": rng.randint(0, 1)})
        items = [Item(request, at, rng.randint(1, 256), None) for at in range(rng.randint(0, 60))]
        pool.add(request, items)
        sent += items
    batches = drained(pool)
    assert sorted(map(id, (item for batch in batches for item in batch))) == sorted(map(id, sent))
    known = set(grid.shapes())
    for batch in batches:
        assert grid.shape(len(batch), max(item.length for item in batch)) in known
        assert len({item.request.params["kind"] for item in batch}) == 1


def test_the_request_that_was_served_least_is_in_the_next_batch() -> None:
    grid = Grid.build(max_tokens=256, token_bound=1024)
    pool = Pool(token_bound=1024, grid=grid)
    long, short = Request(id=1, count=500, arrival=1), Request(id=2, count=1, arrival=2)
    pool.add(long, [Item(long, at, 30, None) for at in range(500)])
    pool.next_batch()
    pool.add(short, [Item(short, 0, 9, None)])
    assert [item.request for item in pool.next_batch()].count(short) == 1


def test_documents_cost_less_padding_than_sorted_batches_of_thirty_two() -> None:
    rng = random.Random(1)
    grid = Grid.build(max_tokens=256, token_bound=1024)
    ours = theirs = 0
    for _ in range(20):
        lengths = [min(256, max(3, int(rng.lognormvariate(3.1, 0.6)))) for _ in range(200)]
        pool, request = Pool(token_bound=1024, grid=grid), Request(id=1, count=200, arrival=1)
        pool.add(request, [Item(request, at, length, None) for at, length in enumerate(lengths)])
        for batch in drained(pool):
            shape = grid.shape(len(batch), max(item.length for item in batch))
            ours += shape.rows * shape.width
        ordered = sorted(lengths, reverse=True)
        theirs += sum(len(ordered[at : at + 32]) * ordered[at] for at in range(0, 200, 32))
    assert ours < theirs
