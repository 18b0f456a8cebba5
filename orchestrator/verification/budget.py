"""More models than fit: memory stays within the budget, what goes is what was used least recently, all are answered.

Filling a node that serves people would evict their models, so the pressure is made on a private node of this machine;
the running nodes are watched meanwhile.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from altlas.kernel.errors import AltlasError
from altlas.kernel.verification import Load, Outcome, Probe, Series, Threshold, Verification, register
from altlas.kernel.verification.sabotage import replaced
from orchestrator.selectors import cache_state
from orchestrator.supervisor import memory, policy
from orchestrator.supervisor.replay import from_record
from orchestrator.supervisor.spec import Key, VersionSpec
from orchestrator.supervisor.states import State
from orchestrator.supervisor.supervisor import CacheRecord, Supervisor
from orchestrator.verification import drill

_SIZE, _EXPECTED, _BUDGET = 24 * drill.MB, 48 * drill.MB, 200 * drill.MB
_EVERY = 0.05
_LRU = "least_recently_used"


def run(probe: Probe) -> Outcome:
    records: list[CacheRecord] = []
    with drill.private_node(budget=_BUDGET, record=records.append) as supervisor:
        watch = _Watch(supervisor)
        failed = _press(probe, supervisor)
        watch.stop()
    evictions = [record for record in records if record.kind == "evict"]
    of_the_oldest = [record for record in evictions if record.reason == _LRU]
    return Outcome(
        metrics={
            "over_budget_mb": max(watch.worst_over, *(_beyond(record) for record in records), 0) / drill.MB,
            "real_over_budget_mb": watch.worst_real_over / drill.MB,
            "live_over_budget_mb": watch.worst_live_over / drill.MB,
            "evictions_not_of_the_oldest": float(sum(not _was_oldest(record) for record in of_the_oldest)),
            "failed_requests": float(len(failed)),
            "evictions": float(len(evictions)),
            "loads": float(sum(record.kind == "ready" for record in records)),
            "samples": float(len(watch.used)),
        },
        series=[
            Series(name="charged", x="s", y="MB", points=watch.used),
            Series(name="held by the processes", x="s", y="MB", points=watch.real),
            Series(name="budget", x="s", y="MB", points=[(x, _BUDGET / drill.MB) for x, _ in watch.used]),
        ],
        notes=sorted(set(failed))[:10],
    )


def _press(probe: Probe, supervisor: Supervisor) -> list[str]:
    wanted = probe.parameters
    specs = [
        VersionSpec(
            key=Key(f"budget{number}", "1"),
            task="echo",
            folder=None,
            expected_bytes=_EXPECTED,
            options={"size_bytes": _SIZE},
        )
        for number in range(wanted["models"])
    ]
    failed: list[str] = []
    done = threading.Semaphore(0)
    over = threading.Event()

    def client(seed: int) -> None:
        dice = random.Random(seed)  # noqa: S311  # the same order every time
        for _ in range(wanted["requests"] // wanted["threads"]):
            if over.is_set():
                return
            try:
                supervisor.infer(dice.choice(specs), ["x"], deadline=time.monotonic() + 30)
            except AltlasError as exc:
                failed.append(f"{exc.code}: {exc.detail}")
            done.release()

    threads = [threading.Thread(target=client, args=(seed,), daemon=True) for seed in range(wanted["threads"])]
    for thread in threads:
        thread.start()
    total = wanted["requests"] // wanted["threads"] * wanted["threads"]
    try:
        for number in range(total):
            if not done.acquire(timeout=60):
                failed.append("a request was never answered")
                break
            probe.progress((number + 1) / total, f"{number + 1} of {total} requests")
    finally:
        over.set()
        for thread in threads:
            thread.join(60)
    return failed


class _Watch:
    """Looks at the private node and at the live ones twenty times a second."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.used: list[tuple[float, float]] = []
        self.real: list[tuple[float, float]] = []
        self.worst_over = self.worst_real_over = self.worst_live_over = 0
        self._over = threading.Event()
        self._begun = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="budget-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._over.wait(_EVERY):
            state = self.supervisor.state()
            at = time.monotonic() - self._begun
            held = sum(memory.held(replica["pid"]).get("dirty", 0) for replica in state["replicas"] if replica["pid"])
            self.used.append((at, state["used_bytes"] / drill.MB))
            self.real.append((at, held / drill.MB))
            self.worst_over = max(self.worst_over, drill.used_beyond_budget(state))
            self.worst_real_over = max(self.worst_real_over, held - state["budget_bytes"])
            for live in cache_state():
                self.worst_live_over = max(self.worst_live_over, drill.used_beyond_budget(live))


def _beyond(record: CacheRecord) -> int:
    """Return by how many bytes a load's reservation went over the budget.

    The watch only looks now and then, and what is over may have been unloaded again by its next look.
    """
    if record.kind != "load":
        return 0
    snapshot = from_record(record.inputs["snapshot"])
    return snapshot.used + int(record.inputs["need"]) - snapshot.limits.budget


def _was_oldest(record: CacheRecord) -> bool:
    """Whether the decision, made again from what is written down of it, chose the least recently used."""
    snapshot = from_record(record.inputs["snapshot"])
    idle = sorted(
        (view for view in snapshot.replicas if view.state is State.READY and view.leases == 0 and not view.pinned),
        key=lambda view: (-view.idle_seconds, view.id),
    )
    victims = list(record.decision["victims"])
    return victims == [view.id for view in idle[: len(victims)]]


def _admit_all(_snapshot: policy.Snapshot, **_asked: Any) -> policy.Decision:
    return policy.Decision(verdict=policy.Verdict.ADMIT, reason="sabotaged")


@contextmanager
def sabotage() -> Iterator[None]:
    with replaced(policy, "admit", _admit_all):
        yield


_LOADS: dict[Load, dict[str, Any]] = {
    Load.LOW: {"models": 8, "requests": 60, "threads": 2},
    Load.MID: {"models": 8, "requests": 120, "threads": 3},
    Load.HIGH: {"models": 12, "requests": 800, "threads": 3},
}
BUDGET = register(
    Verification(
        name="orchestrator.budget",
        title="Memory of models stays within the budget; the least recently used go",
        rows=("4.1.2", "4.2.2", "4.2.3", "4.3.5", "4.4.4"),
        parameters=_LOADS,
        thresholds=(
            Threshold(metric="over_budget_mb", sign="<=", limit=0, unit=" MB"),
            Threshold(metric="real_over_budget_mb", sign="<=", limit=0, unit=" MB"),
            Threshold(metric="live_over_budget_mb", sign="<=", limit=0, unit=" MB"),
            Threshold(metric="evictions_not_of_the_oldest", sign="<=", limit=0),
            Threshold(metric="failed_requests", sign="<=", limit=0),
            # Without pressure nothing is proved.
            Threshold(metric="evictions", sign=">=", limit=3),
        ),
        run=run,
        sabotage=sabotage,
        fault="admission that never looks at the budget",
    )
)
