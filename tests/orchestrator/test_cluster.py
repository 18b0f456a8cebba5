"""Several nodes as real worker processes: one load however often it is asked for, draining, and a node that dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db import connection

from orchestrator import exceptions, services
from orchestrator.models import CacheEvent, JobStatus, LoadJob, Node
from orchestrator.models.jobs import OPEN
from orchestrator.selectors import cache_state, live_nodes
from orchestrator.services.jobs import jobs_take_over
from orchestrator.supervisor.replay import agrees
from tests.orchestrator.support import ROOT, node_worker, worker_environment
from tests.support.waiting import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# One web process: many threads that all want the same model now, over the direct lane and as tasks sent twice.
CLIENTS = textwrap.dedent("""
    import sys, time
    import django; django.setup()
    from concurrent.futures import ThreadPoolExecutor
    from altlas.kernel import replies
    from altlas.kernel.tasks import enqueue
    from orchestrator import services

    def ask(number):
        return services.infer(model="drill", inputs=[f"{number:08d}"], deadline=90).outputs.shape == (1, 8)

    def hear(reply):
        return "error" not in (replies.receive(reply, timeout=90) or {"error": "no reply"})

    sys.stdin.readline()
    with ThreadPoolExecutor(250) as pool:
        asked = [pool.submit(ask, number) for number in range(200)]
        heard = []
        for _ in range(50):
            reply, until = replies.new_reply_id(), time.time() + 90
            order = dict(reply_id=reply, model="drill", version=None, task=None, inputs=["x"], params={}, until=until)
            for _delivery in range(2):
                enqueue("orchestrator.infer", kwargs=order, on_commit=False)
            heard.append(pool.submit(hear, reply))
        print(sum(future.result() for future in [*asked, *heard]), flush=True)
""")


def at_once(environment: dict[str, str], *, processes: int) -> list[int]:
    """Start that many web processes, let them all go at the same time, return how many answers each got."""
    webs = [
        subprocess.Popen(
            [sys.executable, "-c", CLIENTS],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    try:
        for web in webs:
            assert web.stdin is not None
            web.stdin.write("go\n")
            web.stdin.flush()
        return [int(web.communicate(timeout=120)[0]) for web in webs]
    finally:
        for web in webs:
            web.kill()
            web.communicate()


def holders(model: str = "drill") -> set[str]:
    return {
        node["name"]
        for node in cache_state()
        if any(held["model"] == model and held["state"] == "ready" for held in node["replicas"])
    }


def test_a_thousand_first_requests_from_four_web_processes_start_one_load_per_node(tmp_path: Path) -> None:
    services.model_register(name="drill", task="echo", source="echo://", version="1", options={"load_seconds": 0.5})
    patient = {
        "ALTLAS_INFER_LANE_QUEUE": "2000",
        "ALTLAS_NODE_TTL": "30",
        "ALTLAS_REDIS_MAX_CONNECTIONS": "400",
        "ALTLAS_REDIS_TIMEOUT": "20",
        "ALTLAS_CATALOGUE_SECONDS": "2",
    }
    with node_worker(tmp_path / "a.log", name="a", **patient), node_worker(tmp_path / "b.log", name="b", **patient):
        job = services.job_request(model="drill", node="a", actor="test")
        again = services.job_request(model="drill", node="a", actor="test")
        assert job.pk == again.pk
        answered = at_once(worker_environment(**patient), processes=4)
        eventually(lambda: LoadJob.objects.get(pk=job.pk).status == JobStatus.READY, within=20)
        assert answered == [250] * 4

        loads = Counter(CacheEvent.objects.filter(kind="load", model="drill").values_list("node", flat=True))
        assert loads and set(loads.values()) == {1}
        assert LoadJob.objects.filter(node="a").count() == 1
        # The log is written behind the load.
        eventually(lambda: not LoadJob.objects.exclude(status=JobStatus.READY).exists(), within=10)


def test_a_drained_node_moves_its_models_first_and_comes_back(tmp_path: Path) -> None:
    services.model_register(name="drill", task="echo", source="echo://", version="1")
    with node_worker(tmp_path / "a.log", name="a") as _first:
        with pytest.raises(exceptions.LastNode):
            services.node_drain(name="a")
        with node_worker(tmp_path / "b.log", name="b"):
            services.model_load(model="drill", node="a")
            done = services.node_drain(name="a", actor="ada")
            assert done == {"node": "a", "moved": [{"model": "drill", "version": "1", "to": "b"}], "kept": []}
            eventually(lambda: holders() == {"b"}, within=10)
            eventually(lambda: {n["name"]: n["draining"] for n in cache_state()} == {"a": True, "b": False}, within=10)
            assert {services.infer(model="drill", inputs=["x"]).node for _ in range(10)} == {"b"}
            with pytest.raises(exceptions.LastNode):
                services.node_drain(name="b")
            services.node_resume(name="a")
            eventually(lambda: not any(node["draining"] for node in cache_state()), within=10)
            assert Node.objects.get(name="a").draining is False
    for event in CacheEvent.objects.all():
        assert agrees(event.inputs, event.decision) is not False


def test_the_jobs_of_a_node_killed_under_load_are_taken_over(tmp_path: Path) -> None:
    services.model_register(name="drill", task="echo", source="echo://", version="1", options={"load_seconds": 3})
    with node_worker(tmp_path / "a.log", name="a") as first, node_worker(tmp_path / "b.log", name="b"):
        job = services.job_request(model="drill", node="a", actor="ada")
        eventually(lambda: LoadJob.objects.get(pk=job.pk).status == JobStatus.LOADING, within=20)
        family = first.children()

        os.kill(first.process.pid, signal.SIGKILL)

        eventually(lambda: [node["name"] for node in live_nodes(fresh=True)] == ["b"], within=20)
        eventually(lambda: not any(map(running, family)), within=20)
        eventually(lambda: jobs_take_over(alive={"b"}) or LoadJob.objects.get(pk=job.pk).node == "b", within=40)
        eventually(lambda: LoadJob.objects.get(pk=job.pk).status == JobStatus.READY, within=20)
        assert LoadJob.objects.get(pk=job.pk).attempts == 1
        assert services.infer(model="drill", inputs=["x"]).node == "b"


def test_who_waits_for_a_load_gets_it_from_the_node_that_took_over(tmp_path: Path) -> None:
    services.model_register(name="drill", task="echo", source="echo://", version="1", options={"load_seconds": 3})
    with node_worker(tmp_path / "a.log", name="a") as first, node_worker(tmp_path / "b.log", name="b"):
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(closing, lambda: services.model_load(model="drill", node="a", seconds=90))
            eventually(lambda: LoadJob.objects.filter(status=JobStatus.LOADING).exists(), within=20)
            os.kill(first.process.pid, signal.SIGKILL)
            assert asked.result(90)["node"] == "b"
        job = LoadJob.objects.get()
        assert (job.status, job.node, job.attempts) == (JobStatus.READY, "b", 1)


def test_a_node_that_does_not_answer_keeps_no_order_from_the_others(tmp_path: Path) -> None:
    services.model_register(name="drill", task="echo", source="echo://", version="1")
    with node_worker(tmp_path / "a.log", name="a") as first, node_worker(tmp_path / "b.log", name="b"):
        for node in ("a", "b"):
            services.model_load(model="drill", node=node)
        eventually(lambda: holders() == {"a", "b"}, within=10)
        os.kill(first.process.pid, signal.SIGSTOP)
        try:
            with pytest.raises(exceptions.NodeUnavailable, match=r"a: .* Done on b\."):
                services.model_unload(model="drill", seconds=30)
            eventually(lambda: "b" not in holders(), within=10)
        finally:
            os.kill(first.process.pid, signal.SIGCONT)


def test_copies_follow_the_catalogue_as_it_changes(tmp_path: Path) -> None:
    services.model_register(name="drill", task="echo", source="echo://", version="1")
    with node_worker(tmp_path / "a.log", name="a"):

        def held() -> dict[str, bool]:
            found = [replica for node in cache_state() for replica in node["replicas"] if replica["state"] == "ready"]
            return {replica["version"]: replica["pinned"] for replica in found}

        services.model_load(model="drill")
        services.model_pin(name="drill", pinned=True)  # before the node's next sign of life
        eventually(lambda: held() == {"1": True}, within=10)
        services.model_change(name="drill", changes={"pinned": False})
        eventually(lambda: held() == {"1": False}, within=10)

        services.model_register(name="drill", task="echo", source="echo://", version="2")
        services.infer(model="drill", version="2", inputs=["x"])  # no operator: a request had it loaded
        eventually(lambda: held() == {"2": False}, within=10)


def closing(work: Callable[[], Any]) -> Any:
    """Do ``work`` in another thread and close that thread's connection to the database."""
    try:
        return work()
    finally:
        connection.close()


def test_a_cancelled_job_ends_its_load(tmp_path: Path) -> None:
    services.model_register(name="drill", task="echo", source="echo://", version="1", options={"load_seconds": 60})
    with node_worker(tmp_path / "a.log", name="a"):
        job = services.job_request(model="drill", actor="ada")
        eventually(lambda: LoadJob.objects.get(pk=job.pk).status == JobStatus.LOADING, within=20)
        assert services.job_cancel(job=job.pk).status == JobStatus.CANCELLED
        eventually(lambda: all(node["replicas"] == [] for node in cache_state()), within=10)
        assert services.job_cancel(job=job.pk).status == JobStatus.CANCELLED
        with pytest.raises(exceptions.JobNotFound):
            services.job_cancel(job=uuid.uuid4())


def test_what_is_to_end_a_load_does_not_wait_for_it(tmp_path: Path) -> None:
    for name in ("slow", "slower"):
        services.model_register(name=name, task="echo", source="echo://", version="1", options={"load_seconds": 60})

    def loading() -> set[str]:
        return {held["model"] for node in cache_state() for held in node["replicas"] if held["state"] == "loading"}

    with node_worker(tmp_path / "a.log", name="a", threads=1), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(closing, lambda: services.model_load(model="slow", node="a", seconds=50))
        eventually(lambda: loading() == {"slow"}, within=20)
        job = services.job_request(model="slower", node="a", actor="ada")  # behind it in the pool's only thread
        assert services.model_cancel(model="slow", node="a", seconds=10)["replicas"] == 1
        assert isinstance(asked.exception(10), exceptions.ModelUnavailable)
        # The job says so before its load has begun.
        eventually(lambda: loading() == {"slower"}, within=20)
        assert LoadJob.objects.get(pk=job.pk).status == JobStatus.LOADING
        assert services.model_unload(model="slower", node="a", seconds=10)["replicas"] == 1
        eventually(lambda: LoadJob.objects.get(pk=job.pk).status not in OPEN, within=20)


def running(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_node_that_is_killed_and_comes_back_goes_on_with_its_jobs(tmp_path: Path) -> None:
    services.model_register(name="drill", task="echo", source="echo://", version="1", options={"load_seconds": 3})
    with node_worker(tmp_path / "a.log", name="a") as first:
        job = services.job_request(model="drill", node="a", actor="ada")
        eventually(lambda: LoadJob.objects.get(pk=job.pk).status == JobStatus.LOADING, within=20)
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait(10)
    with node_worker(tmp_path / "a.log", name="a"):
        eventually(lambda: LoadJob.objects.get(pk=job.pk).status == JobStatus.READY, within=40)
        assert LoadJob.objects.get(pk=job.pk).attempts == 1


def test_an_update_that_fails_on_the_second_node_moves_no_traffic(tmp_path: Path) -> None:
    services.model_register(name="drill", task="echo", source="echo://", version="1")
    small = {"ALTLAS_MODEL_MEMORY": "64M"}
    with node_worker(tmp_path / "a.log", name="a"), node_worker(tmp_path / "b.log", name="b", **small):
        for node in ("a", "b"):
            services.model_load(model="drill", node=node)
        eventually(lambda: holders() == {"a", "b"}, within=10)
        large = {"size_bytes": 100 * 2**20, "dimension": 9}
        services.model_register(name="drill", task="echo", source="echo://", version="2", options=large)
        with pytest.raises(exceptions.ModelUnloadable):
            services.version_promote(model="drill", version="2")
        assert {services.infer(model="drill", inputs=["x"]).version for _ in range(20)} == {"1"}
        assert holders() == {"a", "b"}
