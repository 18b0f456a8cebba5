"""When memory is too much: the rules without any process."""

from __future__ import annotations

from orchestrator.watch.readings import Reading
from orchestrator.watch.thresholds import Action, Judge, Level, Thresholds

MB = 2**20
LIMITS = Thresholds(
    runner_soft=1.5, runner_hard=2.0, runner_slack=0, worker_soft=100 * MB, worker_hard=200 * MB,
    node_soft=1000 * MB, node_hard=2000 * MB,
)  # fmt: skip


def reading(anon: int, *, kind: str = "runner", pid: int = 7, pss: int = 0) -> Reading:
    return Reading(
        kind=kind, name=f"{kind}-{pid}", pid=pid, anon=anon * MB, file=0, uss=0, pss=pss * MB, threads=1, descriptors=1
    )


def warm(judge: Judge, anon: int = 100) -> None:
    judge.judge([reading(anon)], warm=frozenset({7}))


def test_a_runner_is_not_judged_before_its_warm_up_is_over() -> None:
    judge = Judge(LIMITS)
    assert judge.judge([reading(10)]).crossings == ()
    assert judge.judge([reading(900)]).crossings == ()


def test_the_soft_limit_alerts_once_and_trims_every_round() -> None:
    judge = Judge(LIMITS)
    warm(judge)
    first, second = judge.judge([reading(151)]), judge.judge([reading(152)])
    assert [(found.level, found.action) for found in first.crossings] == [(Level.SOFT, Action.TRIM)]
    assert second.crossings == ()
    assert first.trim == second.trim == (7,)
    assert first.recycle == ()


def test_a_spike_above_the_hard_limit_replaces_nothing_and_growth_that_stays_replaces_once() -> None:
    judge = Judge(LIMITS)
    warm(judge)
    assert judge.judge([reading(250)]).recycle == ()
    assert judge.judge([reading(110)]).recycle == ()
    assert judge.judge([reading(250)]).recycle == ()
    assert judge.judge([reading(251)]).recycle == (7,)
    assert judge.judge([reading(252)]).recycle == ()


def test_what_comes_down_from_the_hard_limit_is_told_of_with_its_soft_one() -> None:
    judge = Judge(LIMITS)
    warm(judge)
    judge.judge([reading(250)])
    (lower,) = judge.judge([reading(160)]).crossings
    assert (lower.before, lower.level, lower.limit) == (Level.HARD, Level.SOFT, 150 * MB)
    (over,) = judge.judge([reading(10)]).crossings
    assert (over.before, over.level, over.limit) == (Level.SOFT, Level.NONE, 150 * MB)


def test_who_stands_above_a_limit_is_told_every_round_by_what_it_crossed_last() -> None:
    judge = Judge(LIMITS)
    warm(judge)
    found = judge.judge([reading(151)]).crossings
    assert judge.judge([reading(152)]).standing == found
    assert judge.judge([]).standing == ()


def test_an_alert_ends_well_below_the_limit_and_not_just_below_it() -> None:
    judge = Judge(LIMITS)
    warm(judge)
    judge.judge([reading(151)])
    assert judge.judge([reading(149)]).crossings == ()
    (ended,) = judge.judge([reading(120)]).crossings
    assert (ended.before, ended.level) == (Level.SOFT, Level.NONE)


def test_the_alert_of_a_process_that_is_gone_ends() -> None:
    judge = Judge(LIMITS)
    warm(judge)
    judge.judge([reading(151)])
    (ended,) = judge.judge([]).crossings
    assert (ended.pid, ended.level) == (7, Level.NONE)


def test_a_worker_above_its_limits_is_told_of_and_not_touched() -> None:
    judge = Judge(LIMITS)
    verdict = judge.judge([reading(250, kind="web")])
    assert [(found.level, found.action) for found in verdict.crossings] == [(Level.HARD, Action.TELL)]
    assert verdict.trim == verdict.recycle == ()


def test_a_full_node_has_all_its_runners_give_back() -> None:
    judge = Judge(LIMITS)
    verdict = judge.judge([reading(10, pss=600), reading(10, kind="web", pid=8, pss=600)])
    assert [(found.kind, found.level) for found in verdict.crossings] == [("node", Level.SOFT)]
    assert verdict.trim == (7,)
