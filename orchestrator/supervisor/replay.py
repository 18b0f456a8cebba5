"""Decisions as records, and records as decisions again: what was decided can be decided once more and compared.

``inputs["rule"]`` names the pure function; the rest of ``inputs`` is all that it was given.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from orchestrator.supervisor import policy, pools
from orchestrator.supervisor.backoff import Failure, next_failure
from orchestrator.supervisor.policy import Limits, ReplicaView, Snapshot
from orchestrator.supervisor.states import State


def as_record(snapshot: Snapshot) -> dict[str, Any]:
    limits = snapshot.limits
    return {
        "limits": {name: getattr(limits, name) for name in limits.__slots__},
        "used": snapshot.used,
        "pressure": snapshot.pressure,
        "replicas": [{name: getattr(view, name) for name in view.__slots__} for view in snapshot.replicas],
    }


def from_record(record: Mapping[str, Any]) -> Snapshot:
    """Return the snapshot that ``as_record`` wrote."""
    return Snapshot(
        limits=Limits(**record["limits"]),
        replicas=tuple(ReplicaView(**{**view, "state": State(view["state"])}) for view in record["replicas"]),
        pressure=bool(record.get("pressure", False)),
    )


def again(inputs: Mapping[str, Any]) -> dict[str, Any] | None:
    """Decide once more from a record's inputs; None when the record is a happening and no decision."""
    rule = _RULES.get(str(inputs.get("rule", "")))
    return None if rule is None else rule(inputs)


def agrees(inputs: Mapping[str, Any], decision: Mapping[str, Any]) -> bool | None:
    """Whether deciding again gives ``decision``; None when there is nothing to decide."""
    found = again(inputs)
    return None if found is None else json.loads(json.dumps(found)) == json.loads(json.dumps(decision))


def _admit(inputs: Mapping[str, Any]) -> dict[str, Any]:
    snapshot = from_record(inputs["snapshot"])
    found = policy.admit(
        snapshot,
        need=inputs["need"],
        waited=inputs["waited"],
        urgent=inputs.get("urgent", True),
        growth=inputs.get("growth", False),
    )
    return found.as_dict()


def _trim(inputs: Mapping[str, Any]) -> dict[str, Any]:
    decision = policy.trim(from_record(inputs["snapshot"]))
    return decision.as_dict() if decision else {}


def _make_room(inputs: Mapping[str, Any]) -> dict[str, Any]:
    snapshot = from_record(inputs["snapshot"])
    found = policy.make_room(
        snapshot,
        need=inputs["need"],
        short_seconds=inputs["short_seconds"],
        old=inputs["old"],
        ahead=inputs.get("ahead", False),
    )
    return found.as_dict()


def _scale(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {"action": pools.scale(pools.PoolView(**inputs["view"]), pools.PoolLimits(**inputs["limits"]))}


def _recycle(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {"reason": pools.worn_out(pools.WearView(**inputs["view"]), pools.RecycleLimits(**inputs["limits"]))}


def _back_off(inputs: Mapping[str, Any]) -> dict[str, Any]:
    before = int(inputs["failed_before"])
    previous = Failure(code="", detail="", attempts=before, until=0.0) if before else None
    failure = next_failure(
        previous,
        code="",
        detail="",
        permanent=inputs["permanent"],
        now=0.0,
        first=inputs["first_seconds"],
        grace=inputs.get("grace", False),
    )
    return {"attempts": failure.attempts, "retry_after": failure.delay}


def _queue(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {"refused": inputs["queued"] >= inputs["bound"]}


def _memory_limit(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {"ended": inputs["bytes"] > inputs["limit"]}


def _pressure(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {"shedding": policy.sheds(inputs["share"], hard=inputs["hard"], shedding=inputs["before"])}


_RULES: Final[dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    "admit": _admit,
    "trim": _trim,
    "make_room": _make_room,
    "scale": _scale,
    "recycle": _recycle,
    "backoff": _back_off,
    "queue": _queue,
    "memory_limit": _memory_limit,
    "pressure": _pressure,
}

__all__ = ["again", "agrees", "as_record", "from_record"]
