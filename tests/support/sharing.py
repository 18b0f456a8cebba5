"""Pytest plugin: how two processes share the tests (pytest-xdist).

One runs those that start whole installations, of which two at a time would keep each other from their deadlines; the
other runs the rest. Each keeps the order in which tests were collected: pytest-django puts those that empty the
database behind those that need what migrations wrote.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_INSTALLATIONS = (
    "tests/browser/", "tests/stack/", "tests/supervisor/", "tests/coordination/test_drills.py",
    "tests/memory/test_detector.py", "tests/memory/test_upkeep", "tests/orchestrator/test_cluster.py",
    "tests/orchestrator/test_upkeep.py", "tests/orchestrator/test_v2_clients.py",
    "tests/orchestrator/test_openai_client.py",
)  # fmt: skip


class Halves(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return "installations" if nodeid.startswith(_INSTALLATIONS) else "rest"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Halves:
    return Halves(config, log)
