"""Admission and eviction as pure functions."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from orchestrator.supervisor.policy import Limits, ReplicaView, Snapshot, Verdict, admit, trim
from orchestrator.supervisor.replay import as_record, from_record
from orchestrator.supervisor.states import State

_ids = itertools.count(1)


def replica(size: int, *, idle: float = 100.0, **changes: Any) -> ReplicaView:
    values: dict[str, Any] = {
        "id": next(_ids),
        "key": "m:1",
        "state": State.READY,
        "bytes": size,
        "leases": 0,
        "idle_seconds": idle,
        "resident_seconds": 1000.0,
        "pinned": False,
    }
    return ReplicaView(**{**values, **changes})


def snapshot(*replicas: ReplicaView, **limits: Any) -> Snapshot:
    return Snapshot(limits=Limits(**{"budget": 100, "high": 1.0, "low": 1.0, **limits}), replicas=replicas)


def test_what_fits_is_admitted() -> None:
    assert admit(snapshot(replica(60)), need=40).verdict is Verdict.ADMIT


def test_what_can_never_fit_is_refused_before_anything_is_evicted() -> None:
    decision = admit(snapshot(replica(60)), need=101)
    assert (decision.verdict, decision.reason, decision.victims) == (Verdict.REFUSE, "never_fits", ())
    assert decision.retry_after is None


def test_the_least_recently_used_goes_first_and_no_more_than_needed() -> None:
    old, older, recent = replica(30, idle=50), replica(30, idle=90), replica(40, idle=1)
    decision = admit(snapshot(old, older, recent), need=20)
    assert (decision.verdict, decision.victims) == (Verdict.EVICT, (older.id,))
    assert admit(snapshot(old, older, recent), need=45).victims == (older.id, old.id)


@pytest.mark.parametrize(
    "changes", [{"leases": 1}, {"pinned": True}, {"resident_seconds": 1.0}, {"state": State.LOADING}]
)
def test_what_is_used_pinned_young_or_loading_is_never_evicted(changes: dict[str, Any]) -> None:
    decision = admit(snapshot(replica(80, **changes), min_residency=5.0), need=50)
    assert decision.victims == ()
    assert decision.verdict in {Verdict.WAIT, Verdict.REFUSE}


def test_pinned_models_that_leave_no_room_refuse_with_a_time_to_retry() -> None:
    decision = admit(snapshot(replica(80, pinned=True)), need=50)
    assert (decision.verdict, decision.reason) == (Verdict.REFUSE, "pinned_models_leave_no_room")
    assert decision.retry_after


def test_bytes_that_are_leaving_are_waited_for_instead_of_evicting_one_more() -> None:
    decision = admit(snapshot(replica(50, state=State.UNLOADING), replica(50)), need=40)
    assert (decision.verdict, decision.reason) == (Verdict.WAIT, "memory_is_being_freed")


def test_a_young_replica_says_when_it_may_leave() -> None:
    decision = admit(snapshot(replica(80, resident_seconds=3.0), min_residency=5.0), need=50)
    assert decision.retry_after == pytest.approx(2.0)


def test_trimming_starts_above_the_high_mark_and_goes_down_to_the_low_one() -> None:
    replicas = [replica(30, idle=idle) for idle in (90, 80, 70)]
    assert trim(snapshot(*replicas, high=0.95, low=0.5)) is None
    more = [*replicas, replica(8, idle=10)]
    decision = trim(snapshot(*more, high=0.95, low=0.5))
    assert decision is not None and decision.victims == (replicas[0].id, replicas[1].id)


def test_the_keep_alive_unloads_what_nobody_used() -> None:
    idle, used = replica(10, idle=61), replica(10, idle=59)
    decision = trim(snapshot(idle, used, keep_alive=60.0))
    assert decision is not None and decision.victims == (idle.id,)


def test_a_recorded_decision_is_made_again_from_its_record() -> None:
    found = snapshot(replica(30, idle=50), replica(30, idle=90), replica(40, leases=2), min_residency=1.0)
    assert admit(from_record(as_record(found)), need=20) == admit(found, need=20)
