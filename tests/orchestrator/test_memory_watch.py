"""The memory watch on a node with real model processes."""

from __future__ import annotations

import os
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import OperationalError
from django.test import Client
from prometheus_client import REGISTRY

from altlas.kernel import clock
from altlas.kernel.alerting import raise_alert
from altlas.kernel.alerting.services import rules_provision
from altlas.kernel.models import Alert
from orchestrator.models import MemorySample
from orchestrator.services.memory import memory_samples_purge
from orchestrator.supervisor.pools import PoolLimits
from orchestrator.watch import watcher as watcher_module
from orchestrator.watch.conf import conf
from orchestrator.watch.thresholds import Thresholds, Verdict
from orchestrator.watch.watcher import Watcher
from tests.orchestrator.support import Scene, echo, supervised, within
from tests.orchestrator.test_upkeep import steady_load
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
LARGE = 1 << 50


def watcher(scene: Scene) -> Watcher:
    return Watcher(node="here", supervisor=scene.supervisor, total_bytes=LARGE)


def settle(watch: Watcher, scene: Scene) -> None:
    """Rounds until the runner is warm and known: it has answered, and no new shape has come since."""
    for _ in range(4):
        watch.round()
        ((_, runner),) = scene.supervisor.runners()
        signs = runner.last_sign
        runner.ping()
        eventually(lambda signs=signs, runner=runner: runner.last_sign > signs, within=10)


def test_every_process_of_the_node_is_read_kept_and_published() -> None:
    with supervised() as scene:
        scene.supervisor.infer(echo(), ["x"], deadline=within(20))
        watch = watcher(scene)
        settle(watch, scene)
        newest = MemorySample.objects.filter(name="echo:1").first()
        assert newest is not None
        assert newest.pid == scene.pid("echo")
        assert newest.anon > 0 and newest.pss > 0 and newest.descriptors > 0
        assert newest.told["heap_in_use"] > 0 and newest.told["shapes"] == newest.told["shapes_left"] == 0
        assert MemorySample.objects.filter(pid=os.getpid()).exists()
        labels = {"node": "here", "kind": "runner", "name": "echo:1"}
        assert REGISTRY.get_sample_value("altlas_process_anonymous_bytes", labels) > 0
        assert REGISTRY.get_sample_value("altlas_runner_heap_in_use_bytes", labels) > 0


def test_a_runner_that_stays_above_its_hard_limit_is_told_of_and_replaced_without_a_failed_request() -> None:
    with supervised() as scene:
        scene.supervisor.infer(echo(), ["x"], deadline=within(20))
        before = scene.pid("echo")
        watch = watcher(scene)
        settle(watch, scene)
        # As if it had grown: any memory is now above the limit.
        watch._judge.thresholds = Thresholds(runner_soft=0.1, runner_hard=0.2, runner_slack=0)
        watch.round()
        assert scene.pid("echo") == before  # once is a spike
        watch.round()

        def replaced() -> bool:
            assert scene.supervisor.infer(echo(), ["x"], deadline=within(10))["shape"] == [1, 8]
            found = [replica["pid"] for replica in scene.replicas("echo") if replica["state"] == "ready"]
            return bool(found) and before not in found

        eventually(replaced, within=20)
        alert = Alert.objects.get(rule_id="memory_hard")
        assert (alert.state, alert.detail["pid"], alert.detail["action"]) == ("firing", before, "recycle")
        watch._judge.thresholds = Thresholds()
        eventually(lambda: watch.round() and Alert.objects.get(pk=alert.pk).state == "resolved", within=20, every=0.3)


def idle_watcher(limit: int) -> Watcher:
    """A watch over this process alone, which holds more or less than ``limit``."""
    watch = watcher(Scene(SimpleNamespace(runners=list)))  # type: ignore[arg-type]  # no model is loaded
    watch._judge.thresholds = Thresholds(worker_soft=limit)
    return watch


def firing() -> set[str]:
    return set(Alert.objects.filter(state="firing").values_list("key", flat=True))


def test_alerts_of_a_watch_that_has_ended_end_with_the_first_round_of_the_next() -> None:
    rules_provision()
    mine = f"({os.getpid()})"
    for key in ("here: m:1 (999999999)", "there: m:1 (999999999)"):
        raise_alert("memory_soft", key=key)
    idle_watcher(LARGE).round()
    assert firing() == {"there: m:1 (999999999)"}
    idle_watcher(1).round()
    assert any(key.startswith("here: ") and key.endswith(mine) for key in firing())
    idle_watcher(LARGE).round()
    assert firing() == {"there: m:1 (999999999)"}


def test_an_alert_is_raised_and_ended_though_the_database_was_away_when_the_limit_was_crossed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(**_kwargs: object) -> None:
        raise OperationalError("the server closed the connection")

    watch = idle_watcher(LARGE)
    watch.round()
    for limit, raised in ((1, True), (LARGE, False)):
        watch._judge.thresholds = Thresholds(worker_soft=limit)
        with monkeypatch.context() as patched:
            patched.setattr(watcher_module, "memory_samples_record", away)
            watch.round()
        assert bool(firing()) is not raised
        watch.round()
        assert bool(firing()) is raised


def test_of_two_processes_of_a_model_only_the_one_that_leaks_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    pools = PoolLimits(busy_leases=1.0, grow_seconds=0.0, shrink_seconds=1000.0)
    spec = echo(latency_seconds=0.05, max_replicas=2)
    with supervised(core={"pools": pools}) as scene:
        with steady_load(scene, spec, clients=3):
            eventually(lambda: [r["state"] for r in scene.replicas("echo")] == ["ready", "ready"], within=20)
        sound, leaking = (replica["pid"] for replica in scene.replicas("echo"))  # of several, the first goes first
        watch = watcher(scene)
        found = Verdict(recycle=(leaking,))
        monkeypatch.setattr(watch, "_judge", SimpleNamespace(judge=lambda _readings, **_: found))
        watch.round()

        def replaced() -> bool:
            pids = {replica["pid"] for replica in scene.replicas("echo")}
            return len(pids) == 2 and None not in pids and leaking not in pids

        eventually(replaced, within=20)
        assert sound in {replica["pid"] for replica in scene.replicas("echo")}
        assert [record.reason for record in scene.kinds("recycle")] == ["memory"]
        watch.round()  # a process that has gone meanwhile
        assert len(scene.kinds("recycle")) == 1


def test_a_trim_gives_freed_memory_back() -> None:
    with supervised() as scene:
        scene.supervisor.infer(echo(), ["x"], deadline=within(20))
        ((_, runner),) = scene.supervisor.runners()
        runner.trim()
        assert runner.report(timeout=10)["heap_in_use"] > 0
        assert scene.supervisor.infer(echo(), ["x"], deadline=within(10))["shape"] == [1, 8]


def sample(minutes: int) -> MemorySample:
    counts = {name: 1 for name in ("pid", "anon", "file", "uss", "pss", "threads", "descriptors")}
    at = clock.now() - timedelta(minutes=minutes)
    return MemorySample.objects.create(at=at, node="here", kind="runner", name="m", **counts)


def test_the_series_is_bounded_by_age_and_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conf, "keep_hours", 1.0)
    monkeypatch.setattr(conf, "keep_rows", 3)
    for minutes in (600, 30, 20, 10, 5, 1):
        sample(minutes)
    assert memory_samples_purge(node="here") == 3
    assert MemorySample.objects.count() == 3
    assert MemorySample.objects.order_by("id").first().at > clock.now() - timedelta(minutes=11)


def test_operators_see_the_series_and_cannot_change_it(admin_client: Client) -> None:
    found = sample(1)
    assert admin_client.get("/admin/orchestrator/memorysample/").status_code == 200
    assert admin_client.post(f"/admin/orchestrator/memorysample/{found.pk}/delete/").status_code == 403
