"""Tens of thousands of random steps against the cache's core (``ALTLAS_TEST_STEPS`` for more)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.orchestrator.cache_machine import CacheMachine

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
