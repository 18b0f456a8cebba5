"""Fixtures shared by all tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support import stack as stacks
from tests.support.engines import WORKER

# What a made-up example takes says how busy the machine is, and nothing about the code.
settings.register_profile("altlas", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("altlas")

# Screenshots and logs of a failed or finished run, for a person to look at; never committed.
ARTIFACTS = stacks.ROOT / "test-artifacts"


@pytest.fixture
def home(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A data folder under the checkout that is gone after the test; its log stays among the artefacts."""
    yield from _home(request.node.name)


@pytest.fixture(scope="session")
def stack() -> Iterator[stacks.Stack]:
    """One running installation for all tests that only use it and leave it as it was."""
    for home in _home("shared-stack"):
        with stacks.running(home) as running:
            yield running


def _home(name: str) -> Iterator[Path]:
    home = stacks.ROOT / ".altlas" / "test" / (WORKER + "".join(c if c.isalnum() else "-" for c in name)[:40])
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield home
    finally:
        ARTIFACTS.mkdir(exist_ok=True)
        log = home.with_suffix(".log")
        if log.exists():
            shutil.move(log, ARTIFACTS / log.name)
        shutil.rmtree(home, ignore_errors=True)
