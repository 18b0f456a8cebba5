"""Compiled variants: exported from a version's own weights, accepted by what they answer, chosen per node."""

from __future__ import annotations

import json
import os
import threading
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from rest_framework.test import APIClient

from altlas.engines import conf as engines
from altlas.kernel.errors import InvalidInput
from authgateway.testing import bearer, make_user
from orchestrator import exceptions, manifest, runtimes, services, tasks
from orchestrator.conf import conf
from orchestrator.models import CacheEvent, Model, ModelVersion, Task
from orchestrator.runner.errors import VARIANT_UNUSABLE, RunnerError
from orchestrator.runner.loaders.bodies import MODEL_FILE, OnnxBody
from orchestrator.selectors import cache_state
from orchestrator.services import variants
from orchestrator.services.specs import spec_forget, spec_get, spec_of
from orchestrator.supervisor.loading import _Check
from orchestrator.supervisor.runner import LoadFailed
from orchestrator.supervisor.spec import Key, VersionSpec
from orchestrator.worker import node
from orchestrator.worker.heartbeat import Heartbeat
from orchestrator.worker.journal import Journal
from tests.orchestrator import tiny
from tests.orchestrator.support import MB, Scene, node_worker, priorities, supervised, within
from tests.support.waiting import eventually

TASKS = [("sentence-embedding", 5), ("token-classification", 5), ("sequence-classification", 3), ("cross-encoder", 1)]


def assert_a_successor_keeps_no_thread_of_low_priority(folder: Path, variant: Path) -> None:
    """ONNX Runtime starts its threads as it loads, and they stay."""
    spec = VersionSpec(
        key=Key("tiny", "1"),
        task="sentence-embedding",
        runtime="onnx",
        folder=folder,
        variant=variant,
        expected_bytes=50 * MB,
        manifest=manifest.build(folder),
        variant_manifest=manifest.build(variant),
    )
    own = (os.SCHED_OTHER, os.getpriority(os.PRIO_PROCESS, 0))
    with supervised(preload="orchestrator.runner.preload", threads=3) as scene:
        scene.supervisor.infer(spec, ["a text"], deadline=within(60))
        before = scene.pid("tiny")
        assert scene.supervisor.recycle(spec.key) == 1
        eventually(
            lambda: [r["state"] for r in scene.replicas()] == ["ready"] and scene.pid("tiny") != before, within=60
        )

        def at_full_priority() -> bool:
            found = priorities(scene.pid("tiny"))
            assert len(found) >= 4, "the runtime has no threads of its own: nothing to see"
            return set(found) == {own}

        # What loaded ends behind the load, and shapes that nobody asks for are run politely.
        eventually(at_full_priority, within=60)


@pytest.mark.slow
@pytest.mark.parametrize(("task", "labels"), [*TASKS, ("fill-mask", 5)])
def test_every_encoder_task_compiles_and_agrees_with_torch(tmp_path: Path, task: str, labels: int) -> None:
    from orchestrator.runner.export import Order, export
    from orchestrator.runner.loaders import loader_for
    from orchestrator.runner.loaders.base import LoadOrder
    from tests.orchestrator.test_loaders import TEXTS, _numbers, run

    folder = tiny.make(tmp_path / "model", task, labels=labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        report = asdict(export(Order(task=task, folder=str(folder), target=str(tmp_path / "variant"))))
    assert report["cosine_min"] >= 0.9999 and report["difference_max"] < 1e-4
    assert report["probe_count"] == 19 and report["torch_ms"] > 0 and report["variant_ms"] > 0

    if task == "sentence-embedding":
        assert_a_successor_keeps_no_thread_of_low_priority(folder, tmp_path / "variant")
    inputs: list[Any] = [f"{text} [MASK]" for text in TEXTS]
    if task == "cross-encoder":
        inputs = [[text, other] for text in TEXTS for other in TEXTS]
    answers = []
    for runtime, variant in (("torch", None), ("onnx", tmp_path / "variant")):
        loader = loader_for(task, runtime)
        loader.load(LoadOrder(folder=folder, runtime=runtime, variant=variant))
        loader.warm_up()
        answers.append(run(loader, inputs))
    if task == "sentence-embedding":
        assert np.allclose(answers[0], answers[1], atol=1e-5)
    else:
        assert np.allclose(_numbers(answers[0]), _numbers(answers[1]), atol=1e-5)


def test_text_generation_is_refused_with_its_reason(tmp_path: Path) -> None:
    from orchestrator.runner.export import Order, export

    folder = tiny.make(tmp_path / "model", "text-generation")
    with pytest.raises(RunnerError, match="cannot be compiled") as caught:
        export(Order(task="text-generation", folder=str(folder), target=str(tmp_path / "variant")))
    assert caught.value.permanent and not (tmp_path / "variant").exists()


def entry(**changes: Any) -> dict[str, Any]:
    return {"accepted": True, "torch_ms": 10.0, "variant_ms": 5.0, **changes}


@pytest.mark.parametrize(
    ("wanted", "variants_", "chosen"),
    [
        ("torch", {"onnx": {"a": entry()}}, "torch"),
        ("auto", {}, "torch"),
        ("auto", {"onnx": {"a": entry()}}, "onnx"),
        ("auto", {"onnx": {"a": entry(variant_ms=9.9)}}, "torch"),
        ("auto", {"onnx": {"a": entry(accepted=False)}}, "torch"),
        ("auto", {"onnx": {"b": entry()}}, "torch"),
        ("auto", {"onnx-int8": {"a": entry(variant_ms=1.0)}}, "torch"),
        ("onnx", {"onnx": {"a": entry(variant_ms=20.0)}}, "onnx"),
        ("onnx-int8", {"onnx-int8": {"a": entry()}}, "onnx-int8"),
        ("onnx", {"onnx": {"b": entry()}}, "torch"),
    ],
)
def test_a_node_chooses_by_its_own_measurement(wanted: str, variants_: dict[str, Any], chosen: str) -> None:
    assert runtimes.choose(wanted=wanted, variants=variants_, node="a") == chosen


@pytest.fixture
def torch_node(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """This process is a node whose runners have torch."""
    spec_forget()
    with supervised(preload="orchestrator.runner.preload", budget=2048 * MB) as scene:
        node.become(node.NodeWorker(name="node-1", supervisor=scene.supervisor))
        monkeypatch.setattr(conf, "heartbeat_ttl", 300.0)  # it reports once
        heartbeat = Heartbeat(name="node-1", supervisor=scene.supervisor)
        heartbeat.report()
        try:
            yield scene
        finally:
            node.become(None)
            heartbeat.over()
            spec_forget()


@pytest.mark.slow
@pytest.mark.django_db
def test_a_version_is_exported_switched_and_switched_back(
    torch_node: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # with it an unflushed answer arrives too
    folder = tiny.make(tmp_path / "model", "sentence-embedding")
    services.model_register(name="tiny", task="sentence-embedding", source=f"folder://{folder}", version="1")
    texts = ["the cat sleeps", "near the bridge", "good tea"]
    by_torch = services.infer(model="tiny", inputs=texts, deadline=60)
    with pytest.raises(InvalidInput, match="export one first"):
        services.runtime_set(model="tiny", runtime="onnx")

    call_command("models", "export-variant", "tiny", "--json")
    shown = json.loads(capsys.readouterr().out)
    assert shown["accepted"] and shown["cosine_min"] >= 0.9999 and "model.onnx" in shown["manifest"]
    services.runtime_set(model="tiny", runtime="onnx", actor="ada")

    def switched() -> bool:
        by_now = services.infer(model="tiny", inputs=texts, deadline=60)
        assert np.allclose(by_torch.outputs, by_now.outputs, atol=1e-5)
        return {found["runtime"] for found in torch_node.replicas("tiny") if found["state"] == "ready"} == {"onnx"}

    eventually(switched, within=60)  # a warm successor takes over; no request waits for it
    event = CacheEvent.objects.get(model="tiny", reason="runtime onnx")
    assert event.actor == "ada" and event.decision["loss"]["node-1"]["cosine_min"] >= 0.9999
    services.runtime_set(model="tiny", runtime="torch")
    assert spec_get(model="tiny").runtime == "torch"

    # A variant whose file was changed afterwards is refused at load.
    services.runtime_set(model="tiny", runtime="onnx")
    row = ModelVersion.objects.get(model__name="tiny")
    path = engines.HOME.path / "variants" / str(row.pk) / "onnx" / "model.onnx"
    path.write_bytes(path.read_bytes() + b"x")
    services.model_unload(model="tiny")
    with pytest.raises(exceptions.ModelUnavailable, match=r"compiled variant: model\.onnx"):
        services.infer(model="tiny", inputs=texts, deadline=60)


def compiled(target: Path, content: bytes = b"compiled", *, cosine: float = 1.0) -> dict[str, Any]:
    target.mkdir(parents=True)
    (target / "model.onnx").write_bytes(content)
    figures = {"cosine_min": cosine, "cosine_mean": 0.99999, "difference_max": 0.01, "bytes": len(content)}
    return {**figures, "torch_ms": 10.0, "variant_ms": 1.0, "probes": "p", "probe_count": 1, "export_seconds": 1.0}


@pytest.fixture
def masker(db: None) -> str:
    model = Model.objects.create(name="masker", task="fill-mask")
    ModelVersion.objects.create(model=model, version="1", number=1, source="folder:///nowhere")
    return model.name


@pytest.mark.django_db
def test_a_variant_that_answers_otherwise_is_refused_and_its_figures_kept(
    masker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(variants, "_run", lambda _row, _runtime, target: compiled(target, cosine=0.9998))
    with pytest.raises(exceptions.ModelUnloadable, match=r"0\.999800"):
        services.variant_export(model=masker, runtime="onnx")

    row = ModelVersion.objects.get(model__name=masker)
    (kept,) = row.variants["onnx"].values()
    assert not kept["accepted"] and kept["cosine_min"] == 0.9998
    assert not variants.folder_of(row, "onnx").exists()
    # int8 is another matter: taken with its loss on record.
    assert services.variant_export(model=masker, runtime="onnx-int8")["accepted"]


@pytest.mark.django_db(transaction=True)
def test_one_order_carried_out_by_several_at_once_comes_to_one_variant(
    masker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    together, outcomes = threading.Barrier(4), []

    def run(_row: ModelVersion, _runtime: str, target: Path) -> dict[str, Any]:
        together.wait(20)
        figures = compiled(target, str(threading.get_ident()).encode())  # never the same bytes twice
        together.wait(20)
        return figures

    def order() -> None:
        try:
            outcomes.append(services.variant_export(model=masker, runtime="onnx")["accepted"])
        except Exception as exc:  # whatever it is, it is what this test is about
            outcomes.append(exc)
        finally:
            connection.close()

    monkeypatch.setattr(variants, "_run", run)
    callers = [threading.Thread(target=order) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)

    assert outcomes == [True] * 4
    row = ModelVersion.objects.get(model__name=masker)
    folder = variants.folder_of(row, "onnx")
    (kept,) = row.variants["onnx"].values()
    manifest.verify(folder, kept["manifest"])
    assert [path.name for path in folder.parent.iterdir()] == ["onnx"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("since", [False, True])
def test_a_node_whose_variant_was_changed_uses_torch_from_then_on(
    masker: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, since: bool
) -> None:
    monkeypatch.setattr(variants, "_run", lambda _row, _runtime, target: compiled(target))
    services.variant_export(model=masker, runtime="onnx")
    ModelVersion.objects.update(source=f"folder://{tmp_path}", runtime="onnx", status="available", measured_bytes=1000)
    row = ModelVersion.objects.select_related("model").get(model__name=masker)
    spec = spec_of(row)
    assert spec.runtime == "onnx" and spec.variant is not None
    (spec.variant / "model.onnx").write_bytes(b"changed")

    with pytest.raises(LoadFailed, match=r"compiled variant: model\.onnx") as caught:
        _Check(spec, timeout=20, stall=20).wait()
    if since:  # compiled anew before the failure is written down
        monkeypatch.setattr(variants, "_run", lambda _row, _runtime, target: compiled(target, b"anew"))
        services.variant_export(model=masker, runtime="onnx")
    journal = Journal(settings.NODE_NAME)
    journal.start()
    journal.failed(spec, caught.value)
    journal.stop(within=20)

    row.refresh_from_db()
    assert row.status == "available"
    assert spec_of(row).runtime == ("onnx" if since else "torch")
    assert row.measured_bytes == (1000 if since else None), "what was measured was the variant"
    events = CacheEvent.objects.filter(model=masker, reason="variant onnx failed")
    assert [event.node for event in events] == ([] if since else [settings.NODE_NAME])


def test_a_variant_that_onnx_runtime_does_not_take_is_the_nodes_own_fault(tmp_path: Path) -> None:
    (tmp_path / MODEL_FILE).write_bytes(b"of another release")
    with pytest.raises(RunnerError, match="compiled variant") as caught:
        OnnxBody(tmp_path, threads=1)
    assert (caught.value.code, caught.value.permanent) == (VARIANT_UNUSABLE, False)


def test_a_folder_that_was_changed_fails_for_good_also_with_a_variant(tmp_path: Path) -> None:
    spec = VersionSpec(
        key=Key("m", "1"),
        task="fill-mask",
        folder=tmp_path,
        expected_bytes=1,
        manifest={"config.json": manifest.Entry(sha256="0" * 64, bytes=2)},
        runtime="onnx",
        variant=tmp_path,
    )
    with pytest.raises(LoadFailed, match=r"config\.json is missing") as caught:
        _Check(spec, timeout=20, stall=20).wait()
    assert caught.value.permanent and caught.value.code == "model_unloadable"


@pytest.mark.django_db
def test_a_compilation_that_fails_is_on_record(masker: str) -> None:
    tasks.variant_export(model=masker, version="1", runtime="onnx", actor="ada")
    event = CacheEvent.objects.get(model=masker, reason="variant onnx failed")
    assert event.actor == "ada" and "is not there" in event.decision["detail"] and event.node


@pytest.mark.django_db
def test_what_a_killed_run_has_left_is_swept(masker: str) -> None:
    row = ModelVersion.objects.get(model__name=masker)
    left, other = (variants.folder_of(row, "onnx").with_name(f"onnx.new.{name}") for name in ("old", "new"))
    for folder in (left, other):
        folder.mkdir(parents=True)
    os.utime(left, (0, 0))
    with pytest.raises(exceptions.ModelUnloadable):
        services.variant_export(model=masker, runtime="onnx")
    assert other.exists() and not left.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("task", sorted(runtimes.UNCOMPILED))
def test_a_task_that_is_not_compiled_is_refused_at_once(task: str, local_node: Scene) -> None:
    model = Model.objects.create(name="m", task=task)
    ModelVersion.objects.create(model=model, version="1", number=1, source="folder:///nowhere")
    operator = APIClient(headers=bearer(make_user("grace", superuser=True)))
    answer = operator.post("/api/v1/models/m/versions/1/variants", {"runtime": "onnx"}, format="json")
    assert answer.status_code == 422 and "cannot be compiled" in answer.json()["detail"]
    with pytest.raises(exceptions.ModelUnloadable):
        services.variant_export(model="m", runtime="onnx")


def test_every_task_is_compiled_or_known_not_to_be() -> None:
    assert {task for task, _ in TASKS} | {"fill-mask"} | runtimes.UNCOMPILED == set(Task.values)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_registration_has_every_node_compile_measure_and_choose(tmp_path: Path) -> None:
    folder = tiny.make(tmp_path / "model", "sentence-embedding")
    with node_worker(tmp_path / "worker.log") as worker:
        services.model_register(
            name="tiny", task="sentence-embedding", source=f"folder://{folder}", version="1", variants=["onnx"]
        )
        row = ModelVersion.objects.get(model__name="tiny")
        assert row.runtime == "auto"

        def figures() -> Any:
            row.refresh_from_db()
            return row.variants.get("onnx", {}).get(worker.name)

        found = eventually(figures, within=240, every=0.5)
        assert found["accepted"] and found["cosine_min"] >= 0.9999
        answer = services.infer(model="tiny", inputs=["the cat sleeps"], deadline=90)
        assert answer.outputs.shape == (1, 32)
        chosen = "onnx" if found["variant_ms"] < 0.95 * found["torch_ms"] else "torch"

        def runtime() -> Any:
            return {r["runtime"] for n in cache_state() for r in n["replicas"] if r["state"] == "ready"} == {chosen}

        eventually(runtime, within=30)


@pytest.mark.django_db
def test_a_registration_with_variants_needs_a_node_and_leaves_nothing_without_one() -> None:
    with pytest.raises(exceptions.NodeUnavailable):
        services.model_register(name="m", task="fill-mask", source="folder:///m", version="1", variants=["onnx"])
    with pytest.raises(exceptions.ModelUnloadable, match="echo cannot be compiled"):
        services.model_register(name="m", task="echo", source="echo://", version="1", variants=["onnx"])
    with pytest.raises(InvalidInput, match="no compiled runtime"):
        services.model_register(name="m", task="echo", source="echo://", version="1", variants=["tensorrt"])
    assert not ModelVersion.objects.filter(model__name="m").exists()
