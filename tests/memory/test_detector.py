"""The detector can fail: nine leaks in real model processes are found and named, and nothing else is called a leak."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from altlas.memory.verdict import Answer
from tests.memory.detector import FAULTS, run
from tests.orchestrator.support import MB, ROOT, Scene, supervised

REQUESTS = 320
# Bytes per request; stated for this length of run. The long runs of `manage.py memory soak` state 30.7 (0.03 kB).
BUDGET = 640.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tiny")
    subprocess.run([sys.executable, "-m", "altlas.memory.tiny", str(made), "32"], cwd=ROOT, check=True)
    return made


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with supervised(preload="tests.memory.faults", budget=4096 * MB) as found:
        yield found


OWNERS = {"kept_tensor": "tests.memory.faults.KEPT_LIST", "unbounded_dict": "tests.memory.faults.KEPT_DICT"}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_injected_leak_is_found_and_named(scene: Scene, folder: Path, fault: str) -> None:
    finding = run(scene, folder, fault=fault, seed=0, requests=REQUESTS, budget=BUDGET)
    assert finding.answer is Answer.LEAK, str(finding)
    assert finding.cause is not None
    assert finding.cause.name == FAULTS[fault], str(finding)
    assert OWNERS.get(fault, "") in finding.cause.evidence


@pytest.mark.parametrize("seed", range(10))
def test_the_product_itself_is_clean(scene: Scene, folder: Path, seed: int) -> None:
    finding = run(scene, folder, fault="", seed=seed, requests=REQUESTS, budget=BUDGET)
    assert finding.answer is Answer.CLEAN, str(finding)
    # A shape that is run for the first time while readings are taken is the warm-up, not the course.
    assert finding.verdicts["shapes"].high == 0
