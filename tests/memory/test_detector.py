"""The detector can fail: nine leaks in real model processes are found and named, and nothing else is called a leak."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from altlas.memory.course import Finding, find
from altlas.memory.observe import observe
from altlas.memory.verdict import Answer
from orchestrator import manifest
from orchestrator.supervisor.spec import Key, VersionSpec
from tests.orchestrator.support import MB, ROOT, Scene, supervised

WARM_UP = 160
REQUESTS = 320
EVERY = 8
# Bytes per request; stated for this length of run. The long runs of `manage.py memory soak` state 30.7 (0.03 kB).
BUDGET = 640.0

FAULTS = {
    "python_list": "python objects",
    "kept_tensor": "tensors",
    "kept_graph": "graphs",
    "unbounded_dict": "python mapping",
    "native_malloc": "native",
    "thread_per_request": "threads",
    "shape_diversity": "shapes",
    "kept_model": "model reference",
    "descriptor": "descriptors",
}
WORDS = ["the", "harbour", "bir", "ve", "yağmur", "committee", "waited", "için", "news", "of", "a", "city"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tiny")
    subprocess.run([sys.executable, "-m", "altlas.memory.tiny", str(made), "32"], cwd=ROOT, check=True)
    return made


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with supervised(preload="tests.memory.faults", budget=4096 * MB) as found:
        yield found


def texts(seed: int) -> Iterator[list[str]]:
    rng = random.Random(seed)
    while True:
        yield [" ".join(rng.choices(WORDS, k=rng.randint(1, 20))) for _ in range(rng.randint(1, 2))]


def run(scene: Scene, folder: Path, *, fault: str = "", seed: int = 0) -> Finding:
    spec = VersionSpec(
        key=Key(fault or "clean", str(seed)), task="sentence-embedding", folder=folder, expected_bytes=64 * MB,
        manifest=manifest.build(folder), options={"fault": fault} if fault else {},
    )  # fmt: skip
    try:
        course = observe(
            scene.supervisor, spec, texts(seed), requests=REQUESTS, every=EVERY, warm_up=WARM_UP, census=bool(fault)
        )
    finally:
        scene.supervisor.unload(spec.key)
    return find(course, budget_bytes=BUDGET)


@pytest.mark.parametrize("fault", FAULTS)
def test_an_injected_leak_is_found_and_named(scene: Scene, folder: Path, fault: str) -> None:
    finding = run(scene, folder, fault=fault)
    assert finding.answer is Answer.LEAK, finding
    assert finding.cause is not None
    assert finding.cause.name == FAULTS[fault], finding


@pytest.mark.parametrize("seed", range(10))
def test_the_product_itself_is_clean(scene: Scene, folder: Path, seed: int) -> None:
    finding = run(scene, folder, seed=seed)
    assert finding.answer is Answer.CLEAN, finding


def test_the_evidence_names_who_keeps_the_objects(scene: Scene, folder: Path) -> None:
    tensors = run(scene, folder, fault="kept_tensor", seed=1)
    mapping = run(scene, folder, fault="unbounded_dict", seed=1)
    assert tensors.cause and "tests.memory.faults.KEPT_LIST" in tensors.cause.evidence
    assert mapping.cause and "tests.memory.faults.KEPT_DICT" in mapping.cause.evidence
