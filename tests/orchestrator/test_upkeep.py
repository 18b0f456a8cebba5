"""Pools, recycling, limits and turns, with real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psutil
import pytest

from orchestrator import exceptions
from orchestrator.runner.priority import beside
from orchestrator.runner.shapes import Shape
from orchestrator.supervisor.pools import PoolLimits, RecycleLimits
from orchestrator.supervisor.replay import agrees
from orchestrator.supervisor.runner import Loaded, LoadFailed, RunnerProcess
from orchestrator.supervisor.spec import Key, VersionSpec
from tests.orchestrator.support import MB, Scene, echo, minilm, priorities, supervised, within
from tests.support.stack import ROOT
from tests.support.waiting import eventually


@contextmanager
def steady_load(scene: Scene, spec: VersionSpec, *, clients: int = 3) -> Iterator[list[BaseException]]:
    """Ask all the time from several threads; yields the failures, which a test wants to be none."""
    over, failures, served = threading.Event(), list[BaseException](), [0] * clients

    def ask(number: int) -> None:
        while not over.is_set():
            try:
                scene.supervisor.infer(spec, ["x"], deadline=within(20))
                served[number] += 1
            except Exception as exc:
                failures.append(exc)

    with ThreadPoolExecutor(clients) as pool:
        futures = [pool.submit(ask, number) for number in range(clients)]
        eventually(lambda: all(served), within=20)
        try:
            yield failures
            seen = list(served)
            eventually(lambda: all(now > then for now, then in zip(served, seen, strict=True)), within=20)
        finally:
            over.set()
            for future in futures:
                future.result(20)


def test_a_replica_is_recycled_under_load_without_a_failed_request() -> None:
    spec = echo(latency_seconds=0.01, load_seconds=0.3)
    with supervised() as scene, steady_load(scene, spec) as failures:
        for _ in range(2):
            before = scene.pid("echo")
            assert scene.supervisor.recycle(Key("echo", "1")) == 1

            def replaced(before: int = before) -> bool:
                return [r["state"] for r in scene.replicas("echo")] == ["ready"] and scene.pid("echo") != before

            eventually(replaced, within=20)
            assert not psutil.pid_exists(before)
        assert failures == []
    assert [record.reason for record in scene.kinds("recycle")] == ["operator", "operator"]


def test_a_successor_has_run_the_shapes_in_use_before_it_serves_and_a_first_load_has_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ordered, run = list[list[Shape] | None](), list[int]()
    load = RunnerProcess.load

    def noted(self: RunnerProcess, order: dict[str, Any], **more: Any) -> Loaded:
        ordered.append(order["shapes"])
        loaded = load(self, order, **more)
        run.append(self.report(timeout=30)["shapes"])
        return loaded

    monkeypatch.setattr(RunnerProcess, "load", noted)
    spec = minilm()
    with supervised(preload="orchestrator.runner.preload") as scene:
        for text in ["a sentence", "a sentence " * 50]:
            scene.supervisor.infer(spec, [text], deadline=within(60))
        before = scene.pid(spec.key.model)
        assert scene.supervisor.recycle(spec.key) == 1
        eventually(
            lambda: [r["state"] for r in scene.replicas()] == ["ready"] and scene.pid(spec.key.model) != before,
            within=60,
        )
        assert ordered[0] is None
        assert sorted(ordered[1] or []) == [Shape(1, 8), Shape(1, 128)]
        assert run == [1, 2]  # the first text of a warm-up is a short one too


def test_a_successor_leaves_the_processors_to_others_and_serves_at_full_priority() -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    full, idle, lowered = (os.SCHED_OTHER, own), (os.SCHED_IDLE, own), (os.SCHED_OTHER, own + 10)
    with supervised() as scene:
        spec = echo("echo", load_seconds=1.5)
        scene.supervisor.infer(spec, ["x"], deadline=within(30))
        before = scene.pid("echo")
        assert scene.supervisor.recycle(spec.key) == 1
        eventually(lambda: len(scene.replicas("echo")) == 2, within=10)

        def successors() -> list[int]:
            return [r["pid"] for r in scene.replicas("echo") if r["pid"] not in {None, before}]

        eventually(
            lambda: bool(successors()) and set(priorities(successors()[0])) in ({full, idle}, {full, lowered}),
            within=10,
        )
        eventually(lambda: [r["state"] for r in scene.replicas("echo")] == ["ready"], within=20)
        assert scene.pid("echo") != before
        # The thread that loaded ends behind the load, when there is a processor for it.
        eventually(lambda: set(priorities(scene.pid("echo"))) == {full}, within=20)


@pytest.mark.parametrize(("patient", "policy", "nice"), [(True, os.SCHED_IDLE, 0), (False, os.SCHED_OTHER, 10)])
def test_work_that_nobody_waits_for_is_done_beside_and_leaves_this_thread_as_it_was(
    patient: bool, policy: int, nice: int
) -> None:
    def seen() -> tuple[int, int]:
        return os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = seen()
    assert beside(seen, patient=patient) == (policy, before[1] + nice)
    assert seen() == before
    with pytest.raises(TimeoutError, match="its own"):
        beside(_times_out, patient=patient)


def _times_out() -> None:
    raise TimeoutError("its own")


_ON_A_FULL_PROCESSOR = """
import os, time
from orchestrator.runner.priority import StarvedError, beside

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
if other := os.fork():
    def compute():
        used = time.thread_time()
        while time.thread_time() - used < 0.5:
            pass
    try:
        beside(compute, patient=False)
        print("in turn")
        beside(compute, patient=True)
    except StarvedError:
        print("starved")
    finally:
        os.kill(other, 9)
        os._exit(0)
while os.getppid():
    pass
"""


def test_patience_ends_where_no_processor_is_left() -> None:
    done = subprocess.run(
        [sys.executable, "-u", "-c", _ON_A_FULL_PROCESSOR], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.split("\n")[:2] == ["in turn", "starved"], done.stderr


@contextmanager
def busy_processors() -> Iterator[None]:
    """Two processes that compute for each processor."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        computing = [psutil.Process(process.pid) for process in busy]
        eventually(lambda: all(process.cpu_times().user > 0.1 for process in computing), within=30)
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def test_a_load_that_is_starved_begins_anew_and_nobody_notices(caplog: pytest.LogCaptureFixture) -> None:
    spec = minilm()
    with supervised(preload="orchestrator.runner.preload") as scene:
        scene.supervisor.infer(spec, ["a sentence"], deadline=within(60))
        with busy_processors():
            for _ in range(5):  # now and then the scheduler leaves it enough
                before = scene.pid(spec.key.model)
                with caplog.at_level("INFO"):
                    assert scene.supervisor.recycle(spec.key) == 1
                    eventually(
                        lambda before=before: (
                            [r["state"] for r in scene.replicas()] == ["ready"] and scene.pid(spec.key.model) != before
                        ),
                        within=120,
                    )
                if "once more with a small share" in caplog.text:
                    break
            scene.supervisor.infer(spec, ["a sentence"], deadline=within(60))
        assert scene.kinds("crash") == []
    assert "once more with a small share" in caplog.text


def test_a_load_that_began_for_nobody_hurries_once_somebody_waits(caplog: pytest.LogCaptureFixture) -> None:
    first = minilm()
    second = replace(first, key=Key(first.key.model, "2"))
    with supervised(preload="orchestrator.runner.preload", spare=False) as scene:
        scene.supervisor.infer(first, ["a sentence"], deadline=within(60))
        with busy_processors(), caplog.at_level("INFO"):
            ahead = threading.Thread(target=scene.supervisor.load, args=(second,), kwargs={"deadline": within(100)})
            ahead.start()
            # Once it has a process, its share of the processors is settled.
            eventually(lambda: {r["version"] for r in scene.replicas() if r["pid"]} == {"1", "2"}, within=20)
            scene.supervisor.infer(second, ["a sentence"], deadline=within(100))
            ahead.join(100)
        assert scene.kinds("crash") == []
    assert "once more with its full share" in caplog.text


def test_a_successor_computes_with_as_many_threads_as_its_predecessor_and_all_at_full_priority() -> None:
    def at_work() -> list[int]:
        (replica,) = scene.replicas()
        return sorted(nice for _policy, nice in priorities(replica["pid"]))

    spec = minilm()
    long = ["a short sentence " * 40] * 4
    with supervised(preload="orchestrator.runner.preload", threads=2) as scene:
        scene.supervisor.infer(spec, long, deadline=within(60))
        first, before = at_work(), scene.pid(spec.key.model)
        assert len(first) >= 3  # the reader, and two that compute
        assert scene.supervisor.recycle(spec.key) == 1
        eventually(
            lambda: [r["state"] for r in scene.replicas()] == ["ready"] and scene.pid(spec.key.model) != before,
            within=120,
        )
        scene.supervisor.infer(spec, long, deadline=within(60))
        eventually(lambda: at_work() == first, within=60)  # those that loaded end behind the load


@pytest.mark.parametrize(
    ("limits", "texts", "reason"),
    [
        (RecycleLimits(uses=5), ["x"], "uses"),
        (RecycleLimits(age=0.5), ["x"], "age"),
        (RecycleLimits(growth=20 * MB), [f"!grow {40 * MB}"], "growth"),
    ],
)
def test_a_replica_that_has_served_its_time_is_replaced(limits: RecycleLimits, texts: list[str], reason: str) -> None:
    with supervised(core={"recycling": limits}) as scene:
        for _ in range(6):
            scene.supervisor.infer(echo(), texts if not scene.kinds("recycle") else ["x"], deadline=within(10))
        eventually(lambda: scene.kinds("recycle"), within=10)
        record = scene.kinds("recycle")[0]
        assert record.reason == reason and agrees(record.inputs, record.decision) is True
        eventually(lambda: any(record.reason == "replaced" for record in scene.kinds("unload")), within=10)
        scene.supervisor.infer(echo(), ["x"], deadline=within(10))


def test_a_replica_without_room_for_its_successor_makes_way_and_requests_wait() -> None:
    spec = echo(expected_bytes=150 * MB, size_bytes=120 * MB, latency_seconds=0.01)
    with supervised(budget=200 * MB) as scene, steady_load(scene, spec, clients=2) as failures:
        before = scene.pid("echo")
        scene.supervisor.recycle(Key("echo", "1"))
        eventually(
            lambda: [r["state"] for r in scene.replicas("echo")] == ["ready"] and scene.pid("echo") != before, within=30
        )
        assert failures == []


def test_a_busy_model_gets_a_second_process_and_loses_it_when_idle() -> None:
    spec = echo(latency_seconds=0.05, max_replicas=2)
    pools = PoolLimits(busy_leases=2.0, grow_seconds=0.5, shrink_seconds=1.0)
    with supervised(core={"pools": pools}) as scene:
        with steady_load(scene, spec, clients=6) as failures:
            eventually(lambda: [r["state"] for r in scene.replicas("echo")] == ["ready", "ready"], within=20)
            eventually(lambda: all(r["leases"] for r in scene.replicas("echo")), within=10)
            assert failures == []
        eventually(lambda: [r["state"] for r in scene.replicas("echo")] == ["ready"], within=20)
    decisions = [*scene.kinds("grow"), *scene.kinds("shrink")]
    assert [agrees(record.inputs, record.decision) for record in decisions] == [True, True]


def test_a_load_that_waited_long_enough_gets_its_turn_from_a_model_in_steady_use() -> None:
    busy = echo("busy", expected_bytes=150 * MB, size_bytes=100 * MB, latency_seconds=0.05)
    other = echo("other", expected_bytes=150 * MB, size_bytes=100 * MB)
    with supervised(budget=200 * MB, patience=1.0) as scene, steady_load(scene, busy) as failures:
        scene.supervisor.infer(other, ["x"], deadline=within(20))
        assert "patience_is_over" in {record.reason for record in scene.kinds("evict")}
        assert failures == []
    assert all(agrees(record.inputs, record.decision) is not False for record in scene.records)


def test_a_process_over_its_memory_limit_is_ended_and_told_from_a_crash() -> None:
    with supervised(memory_slack=64 * MB) as scene:
        scene.supervisor.infer(echo("other"), ["x"], deadline=within(10))
        with pytest.raises(exceptions.RunnerCrashed, match="memory limit"):
            # More at once than it may have: the kernel refuses it.
            scene.supervisor.infer(echo(), [f"!grow {2048 * MB}"], deadline=within(10))
        eventually(lambda: [record.reason for record in scene.kinds("crash")] == ["memory_limit"], within=5)
        assert scene.supervisor.infer(echo(), ["x"], deadline=within(10))["shape"] == [1, 8]
        assert len([record for record in scene.kinds("load") if record.key.model == "other"]) == 1


def test_above_the_hard_limit_new_work_is_refused_at_once_until_memory_is_back() -> None:
    share = [0.5]
    with supervised(memory_share=lambda: share[0]) as scene:
        scene.supervisor.infer(echo(), ["x"], deadline=within(10))
        with scene.supervisor.lease(echo(), deadline=within(10)) as held:
            share[0] = 0.99
            eventually(lambda: scene.supervisor.state()["shedding"], within=10)
            begun = time.monotonic()
            with pytest.raises(exceptions.MemoryPressure) as caught:
                scene.supervisor.infer(echo("new"), ["x"], deadline=within(30))
            assert time.monotonic() - begun < 5 and caught.value.retry_after
            assert held.infer(["what is inside goes on"], timeout=5)["shape"] == [1, 8]
        share[0] = 0.5
        eventually(lambda: not scene.supervisor.state()["shedding"], within=10)
        assert scene.supervisor.infer(echo("new"), ["x"], deadline=within(10))["shape"] == [1, 8]
    assert [record.decision["shedding"] for record in scene.kinds("shed")] == [True, False]


def test_a_cancelled_load_ends_its_process_and_tells_who_waits() -> None:
    with supervised() as scene, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(scene.supervisor.infer, echo(load_seconds=60), ["x"], deadline=within(60))
        eventually(lambda: [r["pid"] for r in scene.replicas("echo") if r["pid"]], within=10)
        pid = scene.pid("echo")
        assert scene.supervisor.cancel(Key("echo", "1")) == 1
        with pytest.raises(exceptions.ModelUnavailable, match="cancelled"):
            waiting.result(10)
        eventually(lambda: not psutil.pid_exists(pid) and scene.replicas() == [], within=10)


def test_a_load_that_makes_progress_is_given_more_time() -> None:
    slow = echo(size_bytes=64 * MB, expected_bytes=80 * MB, fill_seconds=2.0)
    with supervised(load_seconds=1.0, stall_seconds=1.0) as scene:
        assert scene.supervisor.infer(slow, ["x"], deadline=within(20))["shape"] == [1, 8]
        assert scene.kinds("fail") == []


def test_a_spare_process_takes_the_next_load_and_another_takes_its_place() -> None:
    with supervised() as scene:
        spare = scene.supervisor._spare
        first = eventually(lambda: spare.pid, within=20)
        scene.supervisor.infer(echo(), ["x"], deadline=within(10))
        assert scene.pid("echo") == first
        eventually(lambda: spare.pid not in (None, first), within=20)


def test_a_successor_that_fails_for_good_fails_no_version_that_serves() -> None:
    with supervised() as scene:
        told: list[Key] = []
        scene.supervisor._on_failed = lambda spec, _failure: told.append(spec.key)
        scene.supervisor.infer(echo(), ["x"], deadline=within(20))
        broken = echo(fail_load="permanent")
        assert scene.supervisor.recycle(broken.key, spec=broken) == 1
        eventually(lambda: scene.kinds("fail"), within=20)
        scene.supervisor.infer(echo(), ["x"], deadline=within(20))
        assert told == []
        scene.supervisor.unload(broken.key)
        eventually(lambda: scene.replicas() == [], within=20)
        with pytest.raises(exceptions.ModelUnloadable):
            scene.supervisor.infer(broken, ["x"], deadline=within(20))
        assert told == [broken.key]


def test_what_takes_more_than_there_is_once_loaded_counts_as_failed_and_never_as_loaded() -> None:
    told: list[str] = []
    with supervised(budget=60 * MB) as scene:
        scene.supervisor._on_loaded = lambda *_args: told.append("loaded")
        scene.supervisor._on_failed = lambda _spec, failure: told.append(f"failed {failure.permanent}")
        with pytest.raises(exceptions.ModelUnloadable, match="bytes once it is loaded"):
            scene.supervisor.infer(echo(size_bytes=100 * MB, expected_bytes=40 * MB), ["x"], deadline=within(20))
        eventually(lambda: told, within=10)
    assert told == ["failed True"]


def test_a_successor_without_its_variant_is_not_tried_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with supervised(backoff=0.1) as scene:
        scene.supervisor.infer(echo(), ["x"], deadline=within(20))
        pid = scene.pid("echo")
        told: list[str] = []
        load = scene.supervisor._loader.load

        def refuses(spec: VersionSpec, **how: Any) -> Any:
            if spec.runtime == "onnx":
                raise LoadFailed("variant_unusable", "x", permanent=False)
            return load(spec, **how)

        monkeypatch.setattr(scene.supervisor._loader, "load", refuses)
        scene.supervisor._on_failed = lambda _spec, failure: told.append(failure.code)
        compiled = replace(echo(), runtime="onnx")
        assert scene.supervisor.recycle(compiled.key, spec=compiled) == 1
        eventually(lambda: told, within=20)
        time.sleep(3)  # some twenty attempts
        assert told == ["variant_unusable"] and scene.pid("echo") == pid
