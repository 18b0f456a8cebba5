"""What Prometheus sees of the model caches."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from prometheus_client import REGISTRY

from altlas.kernel.errors import AltlasError
from orchestrator import exceptions, overview
from orchestrator.services.infer import infer_here
from orchestrator.supervisor.spec import Key
from orchestrator.supervisor.supervisor import CacheRecord
from orchestrator.verification import drill
from orchestrator.watch.readings import KINDS
from orchestrator.worker import meter, node
from tests.orchestrator.support import ROOT, echo

inference = importlib.import_module("orchestrator.services.infer")  # the package has a function of that name


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


class Refusing:
    """A supervisor that grants no lease."""

    def __init__(self, failure: AltlasError) -> None:
        self.failure = failure

    @contextmanager
    def lease(self, *_args: object, **_kwargs: object) -> Iterator[Any]:
        time.sleep(0.01)
        raise self.failure
        yield


def refused(monkeypatch: pytest.MonkeyPatch, failure: AltlasError, model: str = "slow") -> None:
    supervisor: Any = Refusing(failure)
    monkeypatch.setattr(node, "_current", node.NodeWorker(name="here", supervisor=supervisor))
    monkeypatch.setattr(inference, "spec_get", lambda **_: echo(model))
    with pytest.raises(type(failure)):
        infer_here(model=model, version=None, task=None, inputs=["x"], params={}, until=time.monotonic() + 1)


def test_a_request_whose_model_is_not_loaded_in_time_is_a_miss_and_its_wait_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = "altlas_model_misses_total", "altlas_model_wait_seconds_count", "altlas_model_wait_seconds_sum"
    before = [value(name, model="slow") for name in names]
    refused(monkeypatch, exceptions.ModelUnavailable("not in time"))
    misses, waits, seconds = (value(name, model="slow") - old for name, old in zip(names, before, strict=True))
    assert (misses, waits) == (1, 1) and seconds >= 0.01


def test_a_request_that_the_node_sheds_says_nothing_about_what_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    refused(monkeypatch, exceptions.MemoryPressure("nearly full"), "shed")
    assert value("altlas_model_misses_total", model="shed") == 0
    assert value("altlas_model_failures_total", model="shed", code="memory_pressure") == 1


def test_failures_are_counted_under_no_name_that_a_client_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(**_: object) -> None:
        raise exceptions.ModelNotFound("no such model")

    monkeypatch.setattr(node, "_current", node.NodeWorker(name="here", supervisor=MagicMock()))
    monkeypatch.setattr(inference, "spec_get", missing)
    before = value("altlas_model_failures_total", model="", code="model_not_found")
    with pytest.raises(exceptions.ModelNotFound):
        infer_here(model="made-up", version=None, task=None, inputs=["x"], params={}, until=time.monotonic() + 1)
    assert value("altlas_model_failures_total", model="", code="model_not_found") == before + 1
    assert value("altlas_model_failures_total", model="made-up", code="model_not_found") == 0


def test_the_models_of_verifications_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made_up = f"{drill.PREFIX}victim-{os.urandom(3).hex()}"
    before = value("altlas_model_restarts_total", model="verification", cause="exit 1")
    meter.record(CacheRecord(at=0.0, kind="crash", key=Key(made_up, "1"), reason="exit 1", inputs={}, decision={}))
    meter.hit(made_up)
    refused(monkeypatch, exceptions.ModelUnloadable("never"), made_up)
    assert value("altlas_model_restarts_total", model="verification", cause="exit 1") == before + 1
    assert value("altlas_model_failures_total", model="verification", code="model_unloadable") > 0
    labels = {label for family in REGISTRY.collect() for sample in family.samples for label in sample.labels.values()}
    assert not [label for label in labels if label.startswith(drill.PREFIX)]


def test_the_share_of_hits_is_that_of_all_nodes_wherever_the_console_runs() -> None:
    nodes = [{"hits": 6, "misses": 1}, {"hits": 0, "misses": 1}]
    assert overview._hit_rate(nodes) == {"hit_rate": 0.75}
    assert overview._hit_rate([]) == overview._hit_rate([{"hits": 0, "misses": 0}]) == {}


def test_what_the_watch_counts_is_shown_before_it_happens_and_a_process_that_has_gone_is_not(tmp_path: Path) -> None:
    code = """
import json
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
from orchestrator.watch import metrics
from orchestrator.watch.readings import Reading

def reading(name):
    return Reading(kind="runner", name=name, pid=7, anon=1, file=1, uss=1, pss=1, threads=1, descriptors=1)

def shown():
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return [[s.name, s.labels, s.value] for family in registry.collect() for s in family.samples]

rounds = []
for names in (["a:1", "b:1", "verification/x-1:1"], ["a:1"], ["a:1", "b:1"]):
    metrics.publish("here", [reading(name) for name in names])
    rounds.append(shown())
print(json.dumps(rounds))
"""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    rounds = json.loads(done.stdout)
    names = [{labels["name"] for _, labels, _ in found if "name" in labels} for found in rounds]
    assert names == [{"a:1", "b:1"}, {"a:1"}, {"a:1", "b:1"}]
    crossed = {
        (labels["kind"], labels["level"])
        for name, labels, count in rounds[0]
        if name == "altlas_memory_alerts_total" and count == 0
    }
    assert crossed == {(kind, level) for kind in (*KINDS, "node") for level in ("soft", "hard")}


def test_what_upkeep_wanted_is_counted_once_it_is_there() -> None:
    def grown() -> float:
        return value("altlas_model_scaled_total", model="pool", action="grow")

    def replaced() -> float:
        return value("altlas_model_recycled_total", reason="age")

    def happens(kind: str, reason: str, **inputs: str) -> None:
        meter.record(CacheRecord(at=0.0, kind=kind, key=Key("pool", "1"), reason=reason, inputs=inputs, decision={}))

    before = grown(), replaced()
    happens("grow", "busy")
    happens("recycle", "age")
    happens("ready", "loaded", purpose="")
    assert (grown(), replaced()) == before
    happens("ready", "loaded", purpose="grow")
    happens("ready", "loaded", purpose="age")
    assert (grown() - before[0], replaced() - before[1]) == (1, 1)
