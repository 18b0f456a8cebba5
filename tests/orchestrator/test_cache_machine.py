"""Tens of thousands of random steps against the cache's core (``ALTLAS_TEST_STEPS`` for more)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from orchestrator.supervisor.states import ARRIVING
from tests.orchestrator.cache_machine import SPECS, CacheMachine

STEPS = int(os.environ.get("ALTLAS_TEST_STEPS", "20000"))
RUN = 100


def test_no_sequence_of_events_breaks_a_promise_of_the_cache() -> None:
    run_state_machine_as_test(
        CacheMachine,
        settings=settings(
            max_examples=max(1, STEPS // RUN),
            stateful_step_count=RUN,
            deadline=None,
            phases=[Phase.generate],  # shrinking takes minutes; a failing run is short enough to read
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_replica_that_is_busy_and_worn_at_the_same_moment_begins_one_load() -> None:
    machine = CacheMachine()
    machine.begin(min_residency=0.0, keep_alive=0.0, high_idle=0.0)
    spec = SPECS[1]
    machine.ask(model=1, patience=30.0, lease=True, gone=1)
    (loading,) = machine.shell.loading
    machine.shell.loading.remove(loading)
    machine.core.progress(loading, "warming")
    machine.core.loaded(loading, measured=40, now=machine.now)
    machine.ask(model=1, patience=30.0, lease=True, gone=1)
    machine.time_passes(seconds=0.1)
    machine.core.remeasured(loading, measured=48)
    machine.time_passes(seconds=6.0)
    assert sum(replica.state in ARRIVING for replica in machine.core.of(spec.key)) == 1
