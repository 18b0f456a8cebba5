"""Many clients ask for models that nobody has loaded yet: each must be loaded once, and every answer be right."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from altlas.kernel.verification import Load, Outcome, Probe, Series, Threshold, Verification, register
from altlas.kernel.verification.door import crowd
from altlas.kernel.verification.figures import quantile
from orchestrator.supervisor.core import Core, Ticket
from orchestrator.supervisor.states import ARRIVING
from orchestrator.supervisor.supervisor import Supervisor
from orchestrator.verification import drill


def run(probe: Probe) -> Outcome:
    wanted = probe.parameters
    with drill.opened(probe) as told:
        names = [
            told.register(f"conflict{number}", load_seconds=wanted["load_seconds"], size_bytes=4 * drill.MB)
            for number in range(wanted["models"])
        ]
        # Every model is asked for at once by several clients, all of them cold.
        plan = [(names[number % len(names)], f"t{number}") for number in range(wanted["requests"])]
        random.Random(7).shuffle(plan)  # noqa: S311  # the same order every time
        seconds: list[float] = []
        failed: list[str] = []
        wrong = 0
        for done, (number, reply) in enumerate(
            crowd(
                threads=wanted["threads"],
                times=len(plan),
                work=lambda door, number: drill.ask(door, *plan[number]),
                url=probe.url,
                token=told.door.token,
            ),
            start=1,
        ):
            if reply.ok:
                seconds.append(reply.seconds)
                wrong += not drill.answers(reply, plan[number][1])
            else:
                failed.append(f"{reply.status} {reply.code or reply.error}")
            probe.progress(0.9 * done / len(plan), f"{done} of {len(plan)} requests")
        probe.progress(0.9, "counting the loads")
        loads = drill.loads(names)
    return Outcome(
        metrics={
            "loads_of_one_model": float(max(loads.values())),
            "models_loaded": float(sum(count > 0 for count in loads.values())) / len(names),
            "failed_requests": float(len(failed)),
            "wrong_answers": float(wrong),
            "requests": float(len(plan)),
            "p50_s": quantile(seconds, 0.5),
            "p99_s": quantile(seconds, 0.99),
        },
        series=[
            Series(
                name="seconds to answer, in order of arrival",
                x="request",
                y="s",
                points=[(float(index), value) for index, value in enumerate(seconds)],
            )
        ],
        notes=sorted(set(failed))[:10],
    )


class _Unlocked(Core):
    """Every caller that finds no ready model starts a load of its own."""

    def acquire(self, ticket: Ticket, *, now: float) -> None:
        held = self.of(ticket.spec.key)
        arriving = [replica for replica in held if replica.state in ARRIVING]
        if arriving:
            self.enqueue(ticket.spec, priority=ticket.priority, now=now)
        super().acquire(ticket, now=now)


def _unlocked(*args: Any, **kwargs: Any) -> Supervisor:
    supervisor = Supervisor(*args, **kwargs)
    supervisor._core = _Unlocked(supervisor, supervisor.settings.core)
    return supervisor


@contextmanager
def sabotage() -> Iterator[None]:
    with drill.as_node(_unlocked):
        yield


CONFLICTS = register(
    Verification(
        name="orchestrator.conflicts",
        title="Parallel requests for cold models load each once and all are answered",
        rows=("4.1.1", "4.1.3", "4.1.4", "4.2.1", "4.2.5", "4.3.1", "4.3.2", "4.4.3"),
        parameters={
            Load.LOW: {"models": 3, "requests": 36, "threads": 6, "load_seconds": 0.2},
            Load.MID: {"models": 6, "requests": 240, "threads": 12, "load_seconds": 0.2},
            Load.HIGH: {"models": 8, "requests": 800, "threads": 24, "load_seconds": 0.3},
        },
        thresholds=(
            Threshold(metric="loads_of_one_model", sign="<=", limit=1),
            Threshold(metric="models_loaded", sign=">=", limit=1),
            Threshold(metric="failed_requests", sign="<=", limit=0),
            Threshold(metric="wrong_answers", sign="<=", limit=0),
        ),
        run=run,
        sabotage=sabotage,
        fault="a loader without a lock: every caller that finds no model loads one",
        full=(Load.MID, Load.HIGH),
    )
)
