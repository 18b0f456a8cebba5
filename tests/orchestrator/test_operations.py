"""What operators do with caches: over REST, on the live page and by command, with a node in the same process."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from io import StringIO
from typing import Any
from uuid import uuid4

import psutil
import pytest
import redis
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from altlas.kernel import clock
from altlas.kernel.redis import client as redis_client
from authgateway.testing import bearer, make_user
from orchestrator import lane, services
from orchestrator.conf import conf
from orchestrator.exceptions import LastNode, ModelUnloadable
from orchestrator.models import CacheEvent, JobStatus, LoadJob, Model, ModelVersion, Node
from orchestrator.placement import load_of
from orchestrator.selectors import cluster, live_nodes, node_history, version_find
from orchestrator.selectors.cluster import PREFIX
from orchestrator.services import nodes
from orchestrator.services.events import event_record
from orchestrator.services.jobs import job_begun, job_ended, job_open, job_run, jobs_take_over
from orchestrator.services.purge import history_purge
from orchestrator.supervisor.replay import agrees
from orchestrator.supervisor.spec import Key
from orchestrator.worker import history
from orchestrator.worker.heartbeat import Heartbeat
from tests.orchestrator.support import MB, Scene, echo, supervised, within
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> APIClient:
    return APIClient(headers=bearer(make_user("grace", superuser=True)))


@pytest.fixture
def console(client: Client) -> Client:
    client.force_login(make_user("grace", superuser=True))
    return client


def test_recycling_over_rest_replaces_the_process(operator: APIClient, drill: str, local_node: Scene) -> None:
    services.model_load(model=drill)
    before = local_node.pid(drill)
    answer = operator.post("/api/v1/models/drill/recycle", {})
    assert answer.status_code == 200 and answer.json()["replicas"] == 1
    eventually(
        lambda: [r["state"] for r in local_node.replicas(drill)] == ["ready"] and local_node.pid(drill) != before,
        within=20,
    )


def test_ordinary_users_neither_recycle_nor_cancel_nor_drain(drill: str) -> None:
    user = APIClient(headers=bearer(make_user("ada")))
    for path in ("models/drill/recycle", "models/drill/cancel", "nodes/here/drain", "nodes/here/resume"):
        assert user.post(f"/api/v1/{path}", {}).status_code == 403
    assert user.get("/api/v1/jobs").json() == {"results": []}


def test_cancelling_what_does_not_load_changes_nothing(operator: APIClient, drill: str, local_node: Scene) -> None:
    services.model_load(model=drill)
    assert operator.post("/api/v1/models/drill/cancel", {}).json()["replicas"] == 0
    assert [r["state"] for r in local_node.replicas(drill)] == ["ready"]


def test_the_only_node_in_service_cannot_be_drained(operator: APIClient, local_node: Scene) -> None:
    answer = operator.post("/api/v1/nodes/here/drain", {})
    assert answer.status_code == 409 and answer.json()["code"] == "last_node"
    assert operator.post("/api/v1/nodes/nowhere/drain", {}).status_code == 404
    assert operator.post("/api/v1/nodes/nowhere/resume", {}).status_code == 404
    with pytest.raises(CommandError, match="only node in service"):
        call_command("nodes", "drain", "here")
    out = StringIO()
    call_command("nodes", "list", stdout=out)
    assert out.getvalue().startswith("here: in service, 0 of 512 MB")


@dataclass
class Other:
    """Another node that only reports, and what it was told to load."""

    report: dict[str, Any]
    loaded: list[str] = field(default_factory=list)
    keeps: bool = True

    def load(self, row: ModelVersion, *, node: str, **_: Any) -> dict[str, Any]:
        self.loaded.append(str(row))
        if self.keeps:
            self.hold(row.model.name, row.version, row.measured_bytes or 0)
        return {"node": node}

    def hold(self, model: str, version: str, size: int, *, leases: int = 0, pinned: bool = False) -> None:
        self.report["replicas"].append(
            {
                "model": model,
                "version": version,
                "state": "ready",
                "bytes": size,
                "leases": leases,
                "pinned": pinned,
                "last_used": None,
            }
        )
        self.report["used_bytes"] += size

    def tell(self, **changes: Any) -> None:
        self.report |= changes
        redis_client("live").set(PREFIX + self.report["name"], json.dumps(self.report), px=30_000)


@pytest.fixture
def other(local_node: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[Other]:
    shown = Heartbeat(name="here", supervisor=local_node.supervisor).report()
    found = Other({**shown, "name": "other", "replicas": [], "used_bytes": 0, "budget_bytes": 100 * MB})
    found.tell()
    monkeypatch.setattr(nodes, "load_on", found.load)
    monkeypatch.setattr(nodes, "_lost", partial(lost_by_the_last_report, found, nodes._lost))
    monkeypatch.setattr(conf, "heartbeat_seconds", 0.0)
    monkeypatch.setattr(cluster, "_LATE_SECONDS", 0.0)
    yield found
    redis_client("live").delete(PREFIX + "other")


def lost_by_the_last_report(other: Other, lost: Callable[[Any], Any], placed: Any) -> Any:
    other.tell()
    return lost(placed)


def test_a_second_drain_has_nothing_more_to_tell(drill: str, local_node: Scene, other: Other) -> None:
    services.model_load(model=drill)
    first = services.node_drain(name="here")
    second = services.node_drain(name="here")  # while the last sign of life still shows the model
    assert first["moved"] == [{"model": drill, "version": "1", "to": "other"}]
    assert second == {"node": "here", "moved": [], "kept": []}
    assert other.loaded == ["drill:1"]


@pytest.mark.parametrize(
    ("leases", "pinned", "size"),
    [(1, False, 30), (0, True, 30), (0, False, 45)],
    ids=["what is in use", "what is pinned", "what came before"],
)
def test_a_drain_evicts_nothing_but_what_is_idle(
    local_node: Scene, other: Other, leases: int, pinned: bool, size: int
) -> None:
    for name in "abc":
        services.model_register(name=name, task="echo", source="echo://", version="1")
        services.model_load(model=name)
    ModelVersion.objects.update(measured_bytes=size * MB)
    other.hold("there", "1", 20 * MB, leases=leases, pinned=pinned)
    other.tell()  # and this stays its last sign of life until all have been tried
    told = StringIO()
    with pytest.raises(CommandError, match=r"^c:1 stays: No other node has \d+ MB to spare for it\.$"):
        call_command("nodes", "drain", "here", stdout=told)
    assert told.getvalue().splitlines() == ["a:1 moved to other", "b:1 moved to other", "here takes nothing new."]
    assert other.loaded == ["a:1", "b:1"]
    eventually(lambda: [found["model"] for found in local_node.replicas()] == ["c"], within=10)


def test_a_drain_tells_what_the_other_node_did_not_keep_and_serves_it_on(
    drill: str, console: Client, local_node: Scene, other: Other
) -> None:
    services.model_load(model=drill)
    other.keeps = False
    done = services.node_drain(name="here")
    assert done["moved"] == []
    assert done["kept"] == [{"model": drill, "version": "1", "detail": "other did not keep it."}]
    assert [found["state"] for found in local_node.replicas(drill)] == ["ready"]
    answer = console.post(reverse("admin:orchestrator_node_order"), {"verb": "drain", "node": "here"})
    assert (answer.status_code, answer.json()["detail"]) == (409, "drill:1 stays: other did not keep it.")


def test_nothing_is_moved_to_a_node_that_is_stopping(drill: str, local_node: Scene, other: Other) -> None:
    other.tell(stopping=True)
    with pytest.raises(LastNode):
        services.node_drain(name="here")


def test_a_broker_that_is_away_does_not_silence_a_node(local_node: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_node: str) -> int:
        raise redis.ConnectionError

    monkeypatch.setattr(lane, "length", away)
    Heartbeat(name="mute", supervisor=local_node.supervisor).report()
    try:
        assert [load_of(node) for node in live_nodes(fresh=True) if node["name"] == "mute"] == [0]
    finally:
        redis_client("live").delete(PREFIX + "mute")


def test_nodes_are_listed_dead_ones_too(local_node: Scene) -> None:
    Node.objects.create(name="dead", draining=True, last_seen_at="2020-01-02T03:04:05Z")
    out = StringIO()
    call_command("nodes", "list", stdout=out)
    dead, living = out.getvalue().splitlines()
    assert dead == "dead: not alive, last seen 2020-01-02 03:04:05 UTC; drained"
    assert living.startswith("here: in service")


@pytest.mark.parametrize("command", ["nodes", "models"])
def test_who_lists_while_redis_is_away_is_told_so(command: str, drill: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_role: str) -> None:
        raise redis.ConnectionError

    monkeypatch.setattr(cluster, "client", away)
    with pytest.raises(CommandError, match="cannot be reached"):
        call_command(command, "list")


def test_the_last_hour_of_a_node_has_nothing_older(local_node: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    report = Heartbeat(name="here", supervisor=local_node.supervisor).report()
    redis_client("live").delete(cluster.HISTORY + "here")
    for age in (3700, 3500, 0):
        monkeypatch.setattr(history, "_kept_at", -1000.0)
        history.keep("here", {**report, "at": time.time() - age, "loads": age})
    assert [sample["loads"] for sample in node_history(name="here")] == [3500, 0]


def test_a_load_is_one_job_from_its_beginning_to_its_end(operator: APIClient, drill: str) -> None:
    for _ in range(2):
        job_begun(model=drill, version="1", node="n")
    assert [job["status"] for job in operator.get("/api/v1/jobs").json()["results"]] == ["loading"]
    job_ended(model=drill, version="1", node="n", status=JobStatus.FAILED, code="model_unavailable", detail="why")
    job_ended(model=drill, version="1", node="n")
    (job,) = operator.get("/api/v1/jobs").json()["results"]
    assert (job["status"], job["error_code"], job["error_detail"]) == ("failed", "model_unavailable", "why")
    assert operator.post(f"/api/v1/jobs/{job['id']}/cancel").json()["status"] == "failed"


def test_what_nobody_asked_for_ends_with_the_node_that_died(drill: str) -> None:
    job_begun(model=drill, version="1", node="dead")
    LoadJob.objects.update(owner_seen_at="2020-01-01T00:00:00Z")
    assert jobs_take_over(alive={"alive"}) == 1
    assert LoadJob.objects.get().status == JobStatus.FAILED
    assert jobs_take_over(alive={"alive"}) == 0


def test_the_live_page_shows_the_last_hour_and_carries_out_its_verbs(
    console: Client, drill: str, local_node: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.model_load(model=drill)
    monkeypatch.setattr(history, "_kept_at", -1000.0)
    history.keep("here", Heartbeat(name="here", supervisor=local_node.supervisor).report())
    assert node_history(name="here")[-1]["loads"] == 1

    page = console.get(reverse("admin:orchestrator_node_cache"))
    assert page.status_code == 200 and b"cache/history" in page.content
    shown = console.get(reverse("admin:orchestrator_node_cache_history")).json()["nodes"]["here"]
    assert shown[-1]["used"] > 0
    data = console.get(reverse("admin:orchestrator_node_cache_data")).json()["nodes"][0]
    assert {"hits", "misses", "loads", "draining", "shedding", "low_watermark"} <= data.keys()

    order = reverse("admin:orchestrator_node_order")
    for verb in ("pin", "unpin", "recycle", "cancel", "unload"):
        answer = console.post(order, {"verb": verb, "model": drill, "version": "1", "node": "here"})
        assert answer.status_code == 200, answer.content
    refused = console.post(order, {"verb": "drain", "node": "here"})
    assert refused.status_code == 409 and "only node" in refused.json()["detail"]
    assert not Node.objects.filter(draining=True).exists()


@pytest.mark.parametrize("verb", ["load", "unload", "recycle", "cancel", "drain", "resume", "pin", "unpin"])
def test_the_live_page_refuses_an_order_for_what_no_name_can_be(
    console: Client, drill: str, local_node: Scene, verb: str
) -> None:
    order = reverse("admin:orchestrator_node_order")
    for where in ("model", "version", "node"):
        answer = console.post(order, {"verb": verb, "model": drill, where: "a\x00b"})
        assert answer.status_code == 400 and f"{where} contains U+0000" in answer.json()["detail"]


def test_a_copy_of_a_deleted_model_goes_with_a_heartbeat(drill: str, local_node: Scene) -> None:
    services.model_load(model=drill)
    services.model_register(name="stays", task="echo", source="echo://", version="1")
    services.model_load(model="stays")
    Model.objects.filter(name=drill).delete()
    Heartbeat(name="here", supervisor=local_node.supervisor).write()
    eventually(lambda: [found["model"] for found in local_node.replicas()] == ["stays"], within=10)


def test_a_copy_of_a_retired_version_goes_with_a_heartbeat(drill: str, local_node: Scene) -> None:
    services.model_load(model=drill)
    retired(drill)  # and the node was not told, or a request that was on its way had it loaded once more
    Heartbeat(name="here", supervisor=local_node.supervisor).write()
    eventually(lambda: local_node.replicas(drill) == [], within=10)


def test_how_a_version_failed_is_forgotten_once_it_is_retired(drill: str, local_node: Scene) -> None:
    services.model_register(name=drill, task="echo", source="echo://", version="2", options={"fail_load": "permanent"})
    with pytest.raises(ModelUnloadable):
        services.model_load(model=drill, version="2")
    eventually(lambda: local_node.supervisor.state()["failures"], within=10)  # the view is published behind the answer
    services.version_retire(model=drill, version="2")
    Heartbeat(name="here", supervisor=local_node.supervisor).write()
    eventually(lambda: not local_node.supervisor.state()["failures"], within=10)


def test_what_no_node_can_load_any_more_counts_as_failed_when_the_one_that_could_has_left(
    drill: str, local_node: Scene, other: Other
) -> None:
    services.model_register(name=drill, task="echo", source="echo://", version="2", options={"fail_load": "permanent"})
    with pytest.raises(ModelUnloadable):
        services.model_load(model=drill, version="2")
    row = ModelVersion.objects.get(version="2")
    ModelVersion.objects.filter(pk=row.pk).update(status="available", status_reason="")  # as the other one says
    eventually(lambda: local_node.supervisor.state()["failures"], within=10)
    heartbeat = Heartbeat(name="here", supervisor=local_node.supervisor)
    heartbeat.report()
    other.hold(drill, "2", 1)
    other.tell(draining=True)
    heartbeat._follow_catalogue()
    row.refresh_from_db()
    assert row.status == "available"
    assert not CacheEvent.objects.filter(reason__contains="others serve it").exists(), "with every heartbeat"
    redis_client("live").delete(PREFIX + "other")
    heartbeat._follow_catalogue()
    row.refresh_from_db()
    assert row.status == "failed" and row.status_reason


@pytest.mark.parametrize("body", [{"version": "1"}, {}])
def test_a_retired_version_that_a_node_still_holds_can_be_unloaded(
    operator: APIClient, drill: str, local_node: Scene, body: dict[str, str]
) -> None:
    services.model_load(model=drill)
    retired(drill)
    assert operator.post("/api/v1/models/drill/cancel", body).json()["replicas"] == 0
    answer = operator.post("/api/v1/models/drill/unload", body)
    assert answer.status_code == 200 and answer.json()["replicas"] == 1
    eventually(lambda: local_node.replicas(drill) == [], within=10)
    assert operator.post("/api/v1/models/drill/unload", {"version": "2"}).status_code == 404
    assert operator.post("/api/v1/models/nothing/unload", {}).status_code == 404


def test_a_job_that_comes_after_its_version_was_retired_loads_nothing(drill: str, local_node: Scene) -> None:
    job = job_open(version_find(model=drill), node="here", requested_by="ada")
    retired(drill)
    job_run(job=job.pk)
    job.refresh_from_db()
    assert (job.status, job.error_code) == (JobStatus.CANCELLED, "version_retired")
    assert local_node.replicas(drill) == []


def test_a_load_that_nobody_waits_for_is_a_job(operator: APIClient, drill: str, local_node: Scene) -> None:
    answer = operator.post("/api/v1/models/drill/load", {"wait": False}, format="json")
    assert answer.status_code == 202, answer.content
    assert (answer.json()["version"], answer.json()["node"], answer.json()["status"]) == ("1", "here", "queued")
    out = StringIO()
    call_command("models", "load", drill, "--no-wait", stdout=out)
    assert f"job: {answer.json()['id']}" in out.getvalue()
    address = f"/api/v1/jobs/{answer.json()['id']}"
    assert operator.get(address).json()["status"] == "queued"
    assert operator.get(f"/api/v1/jobs/{uuid4()}").json()["code"] == "load_job_not_found"
    job_run(job=answer.json()["id"])
    assert operator.get(address).json()["status"] == "ready"
    assert [job["status"] for job in operator.get("/api/v1/jobs").json()["results"]] == ["ready"]
    assert operator.post("/api/v1/models/drill/load", {"wait": False, "node": "nowhere"}).status_code == 404


def test_a_lost_job_waits_for_a_node_in_service_but_not_for_ever(drill: str, other: Other) -> None:
    job = job_open(version_find(model=drill), node="dead", requested_by="ada")
    LoadJob.objects.update(owner_seen_at=clock.now() - timedelta(minutes=5))
    redis_client("live").delete(PREFIX + "here")
    other.tell(draining=True)
    assert [node["name"] for node in live_nodes(fresh=True)] == ["other"]
    assert jobs_take_over(alive={"other"}) == 0
    job.refresh_from_db()
    assert (job.status, job.node) == (JobStatus.QUEUED, "dead")
    LoadJob.objects.update(owner_seen_at=clock.now() - timedelta(minutes=11))
    assert jobs_take_over(alive={"other"}) == 1
    job.refresh_from_db()
    assert (job.status, job.error_code) == (JobStatus.FAILED, "node_unavailable")


def test_a_job_of_a_retired_version_is_not_taken_over(drill: str, local_node: Scene) -> None:
    job = job_open(version_find(model=drill), node="dead", requested_by="ada")
    LoadJob.objects.update(owner_seen_at="2020-01-01T00:00:00Z")
    retired(drill)
    assert jobs_take_over(alive={"here"}) == 1
    job.refresh_from_db()
    assert (job.status, job.node, job.error_code) == (JobStatus.CANCELLED, "dead", "version_retired")


def test_retiring_a_version_ends_its_jobs(drill: str) -> None:
    job = job_open(version_find(model=drill), node="away", requested_by="ada")
    services.version_retire(model=drill, version="1")
    job.refresh_from_db()
    assert (job.status, job.error_code) == (JobStatus.CANCELLED, "version_retired")


def retired(model: str) -> None:
    ModelVersion.objects.filter(model__name=model).update(status="retired")


def test_old_decisions_and_ended_jobs_go_with_the_days(drill: str) -> None:
    event_record(kind="load", model=drill, reason="old", at=clock.now() - timedelta(days=31))
    event_record(kind="load", model=drill, reason="new")
    job_begun(model=drill, version="1", node="n")
    job_ended(model=drill, version="1", node="n")
    LoadJob.objects.update(finished_at=clock.now() - timedelta(days=31))
    job_begun(model=drill, version="1", node="n")
    assert history_purge() == {"events": 1, "jobs": 1}
    assert set(CacheEvent.objects.filter(kind="load").values_list("reason", flat=True)) == {"new"}
    assert [job.status for job in LoadJob.objects.all()] == [JobStatus.LOADING]


def test_the_decision_log_is_replayed_by_command_and_a_changed_decision_is_found() -> None:
    with supervised(budget=200 * MB) as scene:
        for name in "abcab":
            spec = echo(name, expected_bytes=90 * MB, size_bytes=70 * MB)
            scene.supervisor.infer(spec, ["x"], deadline=within(20))
    for record in scene.records:
        assert agrees(record.inputs, record.decision) is not False
        event_record(kind=record.kind, model=record.key.model, inputs=record.inputs, decision=record.decision)
    out = StringIO()
    call_command("decisions", "replay", stdout=out)
    assert " decisions are the same, 0 differ" in out.getvalue()

    evicted = CacheEvent.objects.filter(kind="evict").first()
    assert evicted is not None
    event_record(kind="evict", inputs=evicted.inputs, decision={**evicted.decision, "victims": [99]})
    with pytest.raises(CommandError, match="differ"):
        call_command("decisions", "replay", stdout=StringIO(), stderr=StringIO())


def test_cycles_of_loading_and_unloading_leave_no_memory_and_no_process_behind() -> None:
    with supervised() as scene:
        spec = echo(size_bytes=20 * MB, expected_bytes=40 * MB)

        def cycle() -> None:
            scene.supervisor.infer(spec, ["x"], deadline=within(20))
            pid = scene.pid("echo")
            scene.supervisor.unload(Key("echo", "1"))
            eventually(lambda: not psutil.pid_exists(pid) and scene.replicas() == [], within=10, every=0.005)

        def settled() -> list[psutil.Process]:
            eventually(lambda: scene.supervisor.state()["spare"], within=20)
            gc.collect()
            # Other children are the engines, which start and end processes as they like.
            servers = [child for child in psutil.Process().children() if "forkserver" in " ".join(child.cmdline())]
            return [process for server in servers for process in (server, *server.children(recursive=True))]

        for _ in range(5):
            cycle()
        before = len(settled())
        for _ in range(20):
            cycle()
        assert len(settled()) == before  # the fork server and the spare
