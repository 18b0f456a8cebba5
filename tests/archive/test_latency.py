"""What a verification of latency takes for slow: one in a hundred, as long as it goes on."""

from __future__ import annotations

from altlas.kernel.verification.door import Reply
from altlas.kernel.verification.figures import quantile
from archive.verification.latency import _P99_SECONDS, _ROUTES, Course


def course(requests: int, *, slow: int = 0, seconds: float = 3.0) -> Course:
    """A course in which ``slow`` of the requests took long."""
    found = Course()
    for number in range(requests):
        took = seconds if number < slow else 0.01
        found.take(_ROUTES[number % len(_ROUTES)], Reply(status=200, seconds=took))
    return found


def test_one_moment_at_which_the_machine_stands_still_is_outweighed_by_a_longer_run() -> None:
    assert course(100, slow=2).doubtful  # two clients waited
    longer = course(200, slow=2)
    assert not longer.doubtful
    assert quantile(longer.everything, 0.99) < _P99_SECONDS


def test_what_is_slow_for_one_in_fifty_stays_red() -> None:
    whole = course(400, slow=8)
    assert whole.doubtful
    assert quantile(whole.everything, 0.99) > _P99_SECONDS


def test_a_route_that_is_slow_as_such_leaves_no_doubt() -> None:
    assert not course(100, slow=100).doubtful
