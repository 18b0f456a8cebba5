"""Verification runs: claimed one at a time, judged by thresholds, cancelled, lost with their process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any

import pytest

from altlas.coordination import accounts, execution, tasks
from altlas.coordination.exceptions import ChangeNotAllowed
from altlas.coordination.models import Trigger, VerificationRun
from altlas.coordination.services import runs
from altlas.kernel.clock import now
from altlas.kernel.errors import NotFound
from altlas.kernel.verification import (
    Inconclusive,
    Load,
    Outcome,
    Probe,
    Series,
    Threshold,
    Verification,
    registered,
    registry,
)
from altlas.kernel.verification.figures import quantile, slope
from authgateway.models import User
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db
# Where a second thread must see what the first has written.
together = pytest.mark.django_db(transaction=True)
Work = Callable[[Probe], Outcome]


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Tasks that would go to the broker."""
    found: list[str] = []
    monkeypatch.setattr(runs, "enqueue", lambda name, **_: found.append(name))
    return found


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Verification]:
    """Register a verification that does what the test says, for this test alone."""
    known: dict[str, Verification] = {}
    monkeypatch.setattr(registry, "_known", known)

    def make(work: Work, *, name: str = "drill.one", **more: Any) -> Verification:
        wanted: dict[str, Any] = {
            "name": name,
            "title": "A test's own",
            "rows": ("2.2.5",),
            "parameters": {load: {"size": 1} for load in Load},
            "thresholds": (Threshold(metric="faults", sign="<=", limit=0),),
            "run": work,
            "sabotage": nullcontext,
            "fault": "none",
            **more,
        }
        return registry.register(Verification(**wanted))

    return make


def queued(*verifications: Verification, by_worker: bool = True) -> list[VerificationRun]:
    wanted = [(verification, Load.LOW) for verification in verifications]
    return runs.runs_queue(wanted=wanted, trigger=Trigger.COMMAND, by_worker=by_worker)


def done(verification: Verification) -> VerificationRun:
    (run,) = queued(verification)
    claimed = runs.run_claim(run_id=run.pk)
    assert claimed is not None
    return execution.run_execute(run=claimed)


def measuring(**metrics: float) -> Work:
    return lambda probe: Outcome(metrics=metrics)


@pytest.mark.parametrize(
    ("metrics", "status"),
    [
        ({"faults": 0.0}, "passed"),
        ({"faults": 1.0}, "failed"),
        ({"faults": float("nan")}, "failed"),
        ({"other": 0.0}, "inconclusive"),
    ],
)
def test_thresholds_make_the_verdict(offer: Any, metrics: dict[str, float], status: str) -> None:
    run = done(offer(measuring(**metrics)))
    assert run.status == status
    assert (run.reasons == []) is (status == "passed")
    assert run.environment["cores"] >= 1 and run.finished_at is not None


def test_what_was_measured_is_kept_with_what_it_was_judged_by(offer: Any) -> None:
    line = Series(name="memory", x="requests", y="MB", points=[(1.0, 2.0)])
    run = done(offer(lambda probe: Outcome(metrics={"faults": 0.0}, series=[line], notes=["calm"])))
    run.refresh_from_db()
    assert run.series == [{"name": "memory", "x": "requests", "y": "MB", "points": [[1.0, 2.0]]}]
    assert run.thresholds == [{"metric": "faults", "sign": "<=", "limit": 0, "unit": ""}]
    assert run.notes == ["calm"] and run.command == "manage.py verify drill.one --load low"


def failing(error: Exception) -> Work:
    def work(probe: Probe) -> Outcome:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [(Inconclusive("no node here"), "inconclusive", "no node here"), (KeyError("x"), "error", "KeyError: 'x'")],
)
def test_what_goes_wrong_ends_in_the_row(offer: Any, error: Exception, status: str, reason: str) -> None:
    run = done(offer(failing(error)))
    assert (run.status, run.reasons) == (status, [reason])


def test_a_run_over_its_time_ends_at_its_next_step(offer: Any) -> None:
    def work(probe: Probe) -> Outcome:
        probe.progress(0.5)
        return Outcome(metrics={"faults": 0.0})

    run = done(offer(work, seconds=-1.0))
    assert run.status == "error" and "longer than" in run.reasons[0]


@together
def test_a_running_run_is_cancelled_at_its_next_step(offer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "_BEAT_SECONDS", 0.02)
    begun = threading.Event()

    def work(probe: Probe) -> Outcome:
        begun.set()
        while True:
            probe.progress(0.3, "waiting for the end")

    (run,) = queued(offer(work))
    claimed = runs.run_claim(run_id=run.pk)
    assert claimed is not None
    ended: list[VerificationRun] = []
    thread = threading.Thread(target=lambda: ended.append(_executed(claimed)))
    thread.start()
    assert begun.wait(10)
    runs.run_cancel(run_id=run.pk, actor="ada")
    thread.join(20)
    assert ended and ended[0].status == "cancelled"
    with pytest.raises(ChangeNotAllowed):
        runs.run_cancel(run_id=run.pk)


def _executed(run: VerificationRun) -> VerificationRun:
    from django.db import connection

    try:
        return execution.run_execute(run=run)
    finally:
        connection.close()


@together
def test_a_running_run_shows_how_far_it_is(offer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "_BEAT_SECONDS", 0.02)

    def work(probe: Probe) -> Outcome:
        probe.progress(0.25, "a quarter")
        shown = eventually(lambda: VerificationRun.objects.filter(progress=0.25, stage="a quarter").first(), within=10)
        return Outcome(metrics={"faults": 0.0 if shown else 1.0})

    assert done(offer(work)).status == "passed"


def test_one_run_at_a_time_whoever_asks(offer: Any) -> None:
    first, second = queued(offer(measuring(faults=0.0)), offer(measuring(faults=0.0), name="drill.two"))
    assert runs.run_claim() == first
    assert runs.run_claim() is None
    assert runs.run_claim(run_id=second.pk) is None
    runs.run_finish(run=first, status=runs.RunStatus.PASSED)
    assert runs.run_claim() == second


def test_a_worker_drains_the_queue_and_leaves_the_commands_runs_alone(offer: Any) -> None:
    verification = offer(measuring(faults=0.0))
    ours = queued(verification, verification)
    theirs = queued(verification, by_worker=False)
    tasks.drain()
    tasks.drain()  # delivered twice
    assert [VerificationRun.objects.get(pk=run.pk).status for run in ours] == ["passed", "passed"]
    assert VerificationRun.objects.get(pk=theirs[0].pk).status == "queued"


def test_a_run_whose_process_is_gone_ends_as_an_error_and_the_next_one_begins(offer: Any, sent: list[str]) -> None:
    first, second = queued(offer(measuring(faults=0.0)), offer(measuring(faults=0.0), name="drill.two"))
    lost = runs.run_claim()
    assert lost == first
    VerificationRun.objects.filter(pk=first.pk).update(alive_at=now() - timedelta(minutes=5))
    sent.clear()

    assert runs.runs_tend() == {"lost": 1, "waiting": 1}

    first.refresh_from_db()
    assert first.status == "error" and "no sign of life" in first.reasons[0]
    assert sent == ["coordination.drain"]
    assert runs.run_claim() == second
    # The process was only slow: its late verdict does not overwrite what was told.
    assert runs.run_finish(run=lost, status=runs.RunStatus.PASSED).status == "error"


def test_a_run_of_a_verification_that_is_gone_says_so(offer: Any) -> None:
    (run,) = queued(offer(measuring(faults=0.0)))
    VerificationRun.objects.filter(pk=run.pk).update(name="drill.gone")
    tasks.drain()
    run.refresh_from_db()
    assert run.status == "error" and "drill.gone" in run.reasons[0]


def test_sabotage_is_on_during_its_run_and_off_afterwards(offer: Any) -> None:
    broken: list[bool] = []

    @contextmanager
    def sabotage() -> Iterator[None]:
        broken.append(True)
        yield
        broken.clear()

    def work(probe: Probe) -> Outcome:
        assert probe.url.startswith("http://127.0.0.1:")
        return Outcome(metrics={"faults": float(len(broken))})

    verification = offer(work, sabotage=sabotage)
    (run,) = runs.runs_queue(
        wanted=[(verification, Load.LOW)], trigger=Trigger.COMMAND, by_worker=False, sabotaged=["drill.one"]
    )
    claimed = runs.run_claim(run_id=run.pk)
    assert claimed is not None
    assert execution.run_execute(run=claimed).status == "failed" and not broken
    assert done(verification).status == "passed"


def test_an_account_of_a_run_is_closed_and_emptied_also_when_the_run_breaks() -> None:
    with pytest.raises(ZeroDivisionError), accounts.opened("archive") as account:
        assert User.objects.get(pk=account.id).is_active
        raise ZeroDivisionError
    user = User.objects.get(username="verification-archive")
    assert not user.is_active and not user.has_usable_password() and not user.is_staff
    with accounts.opened("archive", operator=True) as operator:
        assert User.objects.get(pk=operator.id).groups.filter(name="operators").exists()
    assert not User.objects.get(pk=operator.id).groups.exists()


def test_what_to_run_is_chosen_by_service_name_and_load() -> None:
    assert {verification.service for verification in registered()} == {
        "archive", "authgateway", "orchestrator", "segmentation",
    }  # fmt: skip
    assert [(v.name, load) for v, load in runs.chosen(service="archive.walks")] == [("archive.walks", Load.MID)]
    assert {v.service for v, _ in runs.chosen(service="archive", load=Load.LOW)} == {"archive"}
    full = [load for verification, load in runs.chosen(full=True) if verification.name == "segmentation.memory"]
    assert full == [Load.LOW, Load.MID, Load.HIGH]
    with pytest.raises(NotFound):
        runs.chosen(service="nothing")


def test_the_slope_is_not_moved_by_one_outlier_and_quantiles_are_ranks() -> None:
    points = [(float(x), 2.0 * x) for x in range(10)]
    points[4] = (4.0, 1_000.0)
    assert slope(points) == pytest.approx(2.0)
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0 and quantile([1.0], 0.99) == 1.0
    hundred = [float(value) for value in range(1, 101)]
    assert [quantile(hundred, share / 100) for share in range(1, 101)] == hundred
    assert quantile(hundred, 0.0) == 1.0
    assert quantile([], 0.5) != quantile([], 0.5)
