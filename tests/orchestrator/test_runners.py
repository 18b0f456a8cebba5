"""Supervisor and runners as real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest

from orchestrator import exceptions
from orchestrator.supervisor.health import HealthLimits
from orchestrator.supervisor.spec import Key
from tests.orchestrator.support import MB, ROOT, Scene, echo, minilm, supervised, within
from tests.support.waiting import eventually


def test_a_warm_request_is_answered_by_the_same_process() -> None:
    with supervised() as scene:
        for text in ("a", "b", "c"):
            scene.supervisor.infer(echo(), [text], deadline=within(10))
        assert len(scene.kinds("load")) == 1


def test_a_hundred_first_requests_at_once_start_one_process() -> None:
    spec = echo(load_seconds=0.3)
    with supervised() as scene, ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda i: scene.supervisor.infer(spec, [str(i)], deadline=within(20)), range(100)))
        assert len(answers) == 100
        assert len(scene.kinds("load")) == 1


def test_a_killed_runner_fails_its_request_with_a_typed_error_and_the_next_one_succeeds() -> None:
    with supervised() as scene, ThreadPoolExecutor(2) as pool:
        scene.supervisor.infer(echo(), ["warm"], deadline=within(10))
        scene.supervisor.infer(echo("other"), ["warm"], deadline=within(10))
        pid = scene.pid("echo")
        busy = pool.submit(scene.supervisor.infer, echo(), ["!sleep 30"], deadline=within(30))
        eventually(lambda: scene.replicas("echo")[0]["in_flight"] == 1, within=5)

        os.kill(pid, signal.SIGKILL)

        with pytest.raises(exceptions.RunnerCrashed):
            busy.result(5)
        assert scene.supervisor.infer(echo(), ["again"], deadline=within(10))["shape"] == [1, 8]
        assert scene.pid("echo") != pid
        assert scene.supervisor.infer(echo("other"), ["x"], deadline=within(10))["shape"] == [1, 8]
        eventually(lambda: [record.reason for record in scene.kinds("crash")] == ["signal SIGKILL"], within=5)


def test_a_stopped_runner_is_told_from_a_dead_one_and_ended() -> None:
    with supervised(health=HealthLimits(hang_seconds=1.0, ping_seconds=0.3)) as scene:
        with pytest.raises(exceptions.RunnerCrashed):
            scene.supervisor.infer(echo(), ["!hang"], deadline=within(20))
        assert len(scene.kinds("hang")) == 1
        eventually(lambda: [record.reason for record in scene.kinds("crash")] == ["hang"], within=5)
        assert scene.supervisor.infer(echo(), ["x"], deadline=within(10))["shape"] == [1, 8]


def test_runners_outlive_a_killed_fork_server_and_the_next_load_starts_a_new_one() -> None:
    with supervised() as scene:
        scene.supervisor.infer(echo("a"), ["x"], deadline=within(10))
        before = scene.pid("a")
        forkserver = scene.supervisor._forkserver
        os.kill(forkserver.pid or 0, signal.SIGKILL)
        eventually(lambda: forkserver.pid is None, within=5)

        assert scene.supervisor.infer(echo("a"), ["x"], deadline=within(10))["shape"] == [1, 8]
        assert scene.pid("a") == before
        assert scene.supervisor.infer(echo("b"), ["x"], deadline=within(20))["shape"] == [1, 8]


def test_an_answer_after_the_deadline_is_a_timeout_and_the_runner_lives_on() -> None:
    with supervised() as scene:
        scene.supervisor.infer(echo(), ["x"], deadline=within(20))
        with pytest.raises(exceptions.InferenceTimeout):
            scene.supervisor.infer(echo(), ["!sleep 1"], deadline=within(0.5))
        assert scene.supervisor.infer(echo(), ["x"], deadline=within(10))["shape"] == [1, 8]
        assert scene.kinds("crash") == []


def test_an_error_of_the_model_is_typed_and_the_runner_lives_on() -> None:
    with supervised() as scene:
        with pytest.raises(exceptions.InferenceFailed, match="told to raise"):
            scene.supervisor.infer(echo(), ["!error"], deadline=within(10))
        scene.supervisor.infer(echo(), ["x"], deadline=within(10))
        assert len(scene.kinds("load")) == 1


def test_a_load_that_hangs_is_ended_at_its_timeout() -> None:
    with supervised(load_seconds=0.5, stall_seconds=0.4) as scene:
        with pytest.raises(exceptions.ModelUnavailable):
            scene.supervisor.infer(echo(fail_load="hang"), ["x"], deadline=within(10))
        eventually(lambda: scene.replicas() == [], within=5)


def test_a_poisoned_model_is_not_tried_more_often_than_the_back_off_allows() -> None:
    spec = echo(fail_load="transient")
    with supervised(backoff=0.5) as scene:
        scene.supervisor._forkserver._running()._ready.result(60)
        end = time.monotonic() + 2.0
        refusals = 0
        while time.monotonic() < end:
            with pytest.raises(exceptions.ModelUnavailable) as caught:
                scene.supervisor.infer(spec, ["x"], deadline=within(5))
            assert caught.value.retry_after
            refusals += 1
            time.sleep(0.01)
        # Attempts at 0, 0.5 and 1.5 s.
        assert len(scene.kinds("fail")) <= 3 < refusals


def test_a_permanent_failure_is_not_retried() -> None:
    spec = echo(fail_load="permanent")
    with supervised(backoff=0.01) as scene:
        for _ in range(3):
            with pytest.raises(exceptions.ModelUnloadable):
                scene.supervisor.infer(spec, ["x"], deadline=within(20))
        assert len(scene.kinds("fail")) == 1


def test_the_least_recently_used_model_makes_room() -> None:
    with supervised(budget=200 * MB) as scene:
        specs = {name: echo(name, expected_bytes=90 * MB, size_bytes=70 * MB) for name in "abc"}
        for name in "aba":
            scene.supervisor.infer(specs[name], ["x"], deadline=within(10))
        scene.supervisor.infer(specs["c"], ["x"], deadline=within(10))
        eventually(lambda: {replica["model"] for replica in scene.replicas()} == {"a", "c"}, within=5)
        assert [record.reason for record in scene.kinds("evict")] == ["least_recently_used"]


def test_a_leased_model_is_not_evicted_and_the_waiter_is_told_why() -> None:
    with supervised(budget=200 * MB) as scene:
        big = {name: echo(name, expected_bytes=150 * MB, size_bytes=130 * MB) for name in "ab"}
        with scene.supervisor.lease(big["a"], deadline=within(10)):
            with pytest.raises(exceptions.ModelUnavailable):
                scene.supervisor.infer(big["b"], ["x"], deadline=within(0.5))
            assert scene.replicas("a")[0]["state"] == "ready"
        assert scene.supervisor.infer(big["b"], ["x"], deadline=within(10))["shape"] == [1, 8]


def test_unloading_waits_for_the_lease_and_lets_nobody_else_in() -> None:
    with supervised() as scene:
        with scene.supervisor.lease(echo(), deadline=within(10)) as held:
            pid = scene.pid("echo")
            assert scene.supervisor.unload(Key("echo", "1")) == 1
            assert held.infer(["still"], timeout=5)["shape"] == [1, 8]
            # A newcomer gets a process of its own: the draining one is never resurrected.
            scene.supervisor.infer(echo(), ["new"], deadline=within(10))
            assert {replica["state"] for replica in scene.replicas("echo")} == {"draining", "ready"}
        eventually(lambda: not psutil.pid_exists(pid), within=5)


def test_an_unloaded_process_gives_its_memory_back() -> None:
    with supervised(budget=600 * MB) as scene:
        scene.supervisor.infer(echo(size_bytes=200 * MB, expected_bytes=210 * MB), ["x"], deadline=within(20))
        pid = scene.pid("echo")
        assert scene.supervisor.state()["used_bytes"] >= 200 * MB
        scene.supervisor.unload(Key("echo", "1"))
        eventually(lambda: not psutil.pid_exists(pid) and scene.supervisor.state()["used_bytes"] == 0, within=10)


def test_stopping_refuses_waiters_and_leaves_no_process() -> None:
    others = set(psutil.Process().children(recursive=True))  # such as an installation that further tests use
    with supervised() as scene, ThreadPoolExecutor(2) as pool:
        scene.supervisor.infer(echo("a"), ["x"], deadline=within(10))
        waiting = pool.submit(scene.supervisor.infer, echo("b", load_seconds=30), ["x"], deadline=within(30))
        eventually(lambda: len(scene.replicas()) == 2, within=5)
        family = set(psutil.Process().children(recursive=True)) - others
        scene.supervisor.stop()
        with pytest.raises((exceptions.NodeUnavailable, exceptions.ModelUnavailable, exceptions.RunnerCrashed)):
            waiting.result(5)
        runners = [process for process in family if "forkserver" in " ".join(_command(process))]
        eventually(lambda: not any(map(_alive, runners)), within=5)


def test_embeddings_equal_those_of_sentence_transformers() -> None:
    texts = [
        "",
        "a cat",
        "İstanbul'da yağmur yağıyor. 🌧",
        "word " * 400,
        *(f"sentence {i} " * (i % 7) for i in range(40)),
    ]
    with supervised(preload="orchestrator.runner.preload") as scene:
        answer = scene.supervisor.infer(minilm(), texts, deadline=within(120))
    ours = np.frombuffer(answer["data"], "<f4").reshape(answer["shape"])
    code = textwrap.dedent("""
        import json, sys, warnings
        warnings.simplefilter("ignore")
        from sentence_transformers import SentenceTransformer
        model = SentenceTransformer(sys.argv[1], device="cpu")
        sys.stdout.buffer.write(model.encode(json.load(sys.stdin), batch_size=1).astype("<f4").tobytes())
    """)
    import json

    done = subprocess.run(
        [sys.executable, "-c", code, str(minilm().folder)],
        input=json.dumps(texts).encode(), capture_output=True, check=True,
    )  # fmt: skip
    theirs = np.frombuffer(done.stdout, "<f4").reshape(ours.shape)
    assert np.abs(ours - theirs).max() < 1e-5


def test_changed_weights_are_refused(tmp_path: object) -> None:
    from dataclasses import replace

    spec = minilm()
    entry = {**spec.manifest["config.json"], "sha256": "0" * 64}
    changed = replace(spec, manifest={**spec.manifest, "config.json": entry})
    with supervised() as scene, pytest.raises(exceptions.ModelUnloadable, match=r"config\.json differs"):
        scene.supervisor.infer(changed, ["x"], deadline=within(120))  # torch is imported by the load itself


def test_a_runner_has_no_django_in_it_and_the_supervisors_process_no_torch() -> None:
    code = textwrap.dedent("""
        import sys, time
        from tests.orchestrator.support import echo, supervised, within
        import orchestrator.tasks, altlas.wsgi, altlas.celery, orchestrator.worker.steps
        from altlas.urls import urlpatterns
        assert "torch" not in sys.modules and "transformers" not in sys.modules
        with supervised(preload="orchestrator.runner.preload") as scene:
            scene.supervisor.infer(echo("m"), ["x"], deadline=within(60))
            maps = open(f"/proc/{scene.pid('m')}/maps").read()
        assert "libtorch" in maps and "psycopg" not in maps and "django" not in maps
        assert "torch" not in sys.modules
        print("clean")
    """)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "altlas.settings"}
    setup = "import django; django.setup()\n"
    done = subprocess.run(
        [sys.executable, "-c", setup + code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip().endswith("clean"), done.stderr


def test_the_runner_modules_do_not_import_django() -> None:
    code = (
        "import sys; import orchestrator.runner.preload, orchestrator.runner.process, orchestrator.runner.forkserver, "
        "orchestrator.runner.loaders.sentence_embedding, orchestrator.runner.loaders.echo; "
        "print([name for name in sys.modules if name.split('.')[0] in ('django', 'celery', 'altlas')])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_runner_survives_an_owner_killed_by_sigkill() -> None:
    code = textwrap.dedent("""
        import os, sys
        from tests.orchestrator.support import echo, supervised, within
        with supervised() as scene:
            for name in "abc":
                scene.supervisor.infer(echo(name), ["x"], deadline=within(30))
            print(*(scene.pid(name) for name in "abc"), flush=True)
            sys.stdin.read()
    """)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "altlas.settings"}
    owner = subprocess.Popen(
        [sys.executable, "-c", "import django; django.setup()\n" + code],
        cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert owner.stdout is not None and owner.stdin is not None
    pids = [int(pid) for pid in owner.stdout.readline().split()]
    assert len(pids) == 3
    os.kill(pids[0], signal.SIGSTOP)  # not even a stopped one may stay
    family = [psutil.Process(owner.pid), *psutil.Process(owner.pid).children(recursive=True)]

    owner.kill()
    owner.wait()

    eventually(lambda: not any(_alive(process) for process in [*family, *map(_process, pids)]), within=5)
    owner.stdout.close()
    owner.stdin.close()


def test_release_is_idempotent() -> None:
    with supervised() as scene:
        with scene.supervisor.lease(echo(), deadline=within(10)) as held:
            held.release()
            held.release()
        assert scene.replicas("echo")[0]["leases"] == 0


def test_many_threads_share_forward_passes_with_the_right_answers() -> None:
    spec = echo(latency_seconds=0.05)
    with supervised() as scene, ThreadPoolExecutor(16) as pool:
        scene.supervisor.infer(spec, ["warm"], deadline=within(10))
        barrier = threading.Barrier(16)

        def ask(number: int) -> int:
            barrier.wait(10)
            answer = scene.supervisor.infer(spec, [f"{number:08d}"], deadline=within(10))
            found = bytes(int(value) for value in np.frombuffer(answer["data"], "<f4"))
            assert found == f"{number:08d}".encode()
            return len(answer["batches"])  # a pass is told with the answer of one of those that shared it

        assert sum(pool.map(ask, range(16))) < 16


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


def _alive(process: psutil.Process | None) -> bool:
    try:
        return process is not None and process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


__all__ = ["Scene"]
