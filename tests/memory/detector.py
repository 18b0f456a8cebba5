"""Scenario of the detector's tests: one model process with one fault or none, observed and judged."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from altlas.memory.course import Finding, find
from altlas.memory.observe import observe
from orchestrator import manifest
from orchestrator.supervisor.spec import Key, VersionSpec
from tests.orchestrator.support import MB, Scene

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


def texts(seed: int) -> Iterator[list[str]]:
    rng = random.Random(seed)
    while True:
        yield [" ".join(rng.choices(WORDS, k=rng.randint(1, 20))) for _ in range(rng.randint(1, 2))]


def run(scene: Scene, folder: Path, *, fault: str, seed: int, requests: int, budget: float) -> Finding:
    """``budget`` in bytes per request; half as many requests come before as a warm-up."""
    spec = VersionSpec(
        key=Key(fault or "clean", str(seed)), task="sentence-embedding", folder=folder, expected_bytes=512 * MB,
        manifest=manifest.build(folder), options={"fault": fault} if fault else {},
    )  # fmt: skip
    try:
        course = observe(
            scene.supervisor, spec, texts(seed), requests=requests, every=max(1, requests // 40),
            warm_up=requests // 2, census=bool(fault),
        )  # fmt: skip
    finally:
        scene.supervisor.unload(spec.key)
    return find(course, budget_bytes=budget)
