"""Rollouts: steps in order, gates, pause, the way back, and the watch afterwards."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from altlas.coordination import services
from altlas.coordination.exceptions import ChangeNotAllowed, GateClosed
from altlas.coordination.models import JournalEntry, Rollout, RolloutStep, VerificationRun
from altlas.coordination.plan import STEPS
from altlas.coordination.selectors import item_state
from altlas.coordination.services import rollouts, runs
from altlas.coordination.statuses import RunStatus
from altlas.kernel.clock import now
from altlas.kernel.verification import registered
from tests.coordination.scenario import ended

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Tasks that would go to the broker."""
    tasks: list[str] = []
    monkeypatch.setattr(runs, "enqueue", lambda name, **_: tasks.append(name))
    return tasks


def started() -> Rollout:
    rollout = services.rollout_create(name="autumn", actor="ada")
    return services.rollout_move(rollout_id=rollout.pk, state="running", actor="ada")


def green(gates: Any) -> None:
    for name in gates:
        ended(name, "passed")


def finished() -> Rollout:
    rollout = started()
    for _ in STEPS:
        step = services.step_start(rollout_id=rollout.pk, actor="ada")
        green(step.gates)
        services.step_finish(rollout_id=rollout.pk, actor="ada")
    rollout.refresh_from_db()
    return rollout


def test_every_gate_of_the_plan_is_a_verification() -> None:
    known = {verification.name for verification in registered()}
    assert {gate for step in STEPS for gate in step.gates} <= known
    assert [step.title[:7] for step in STEPS] == ["API-089", "ARC-037", "AI-023 ", "SEG-042"]


def test_a_step_is_finished_only_when_its_gates_turned_green_since_it_began() -> None:
    rollout = started()
    green(STEPS[0].gates)  # of before: proves nothing about this step
    step = services.step_start(rollout_id=rollout.pk, actor="ada")
    with pytest.raises(GateClosed):
        services.step_finish(rollout_id=rollout.pk, actor="ada")
    green(step.gates)
    ended(step.gates[0], "failed")
    with pytest.raises(GateClosed, match=step.gates[0]):
        services.step_finish(rollout_id=rollout.pk, actor="ada")
    green(step.gates)
    done = services.step_finish(rollout_id=rollout.pk, actor="bob", note="smooth")
    assert (done.state, done.actor, done.note) == ("done", "bob", "smooth")


def test_a_green_drill_opens_no_gate() -> None:
    rollout = started()
    step = services.step_start(rollout_id=rollout.pk, actor="ada")
    for name in step.gates:
        ended(name, "passed", sabotaged=True)
    with pytest.raises(GateClosed):
        services.step_finish(rollout_id=rollout.pk, actor="ada")


def test_steps_go_in_order_and_not_while_paused() -> None:
    rollout = started()
    first = services.step_start(rollout_id=rollout.pk, actor="ada")
    assert first.position == 1
    with pytest.raises(ChangeNotAllowed):
        services.step_start(rollout_id=rollout.pk, actor="ada")
    services.rollout_move(rollout_id=rollout.pk, state="paused", actor="ada")
    green(first.gates)
    with pytest.raises(ChangeNotAllowed):
        services.step_finish(rollout_id=rollout.pk, actor="ada")
    services.rollout_move(rollout_id=rollout.pk, state="running", actor="ada")
    services.step_finish(rollout_id=rollout.pk, actor="ada")


def test_rolling_back_takes_steps_back_the_newest_first() -> None:
    rollout = started()
    first = services.step_start(rollout_id=rollout.pk, actor="ada")
    green(first.gates)
    services.step_finish(rollout_id=rollout.pk, actor="ada")
    services.step_start(rollout_id=rollout.pk, actor="ada")
    with pytest.raises(ChangeNotAllowed):
        services.step_roll_back(rollout_id=rollout.pk, actor="ada")
    services.rollout_roll_back(rollout_id=rollout.pk, actor="ada", reason="errors")
    taken = [services.step_roll_back(rollout_id=rollout.pk, actor="ada") for _ in range(3)]
    assert [step.position if step else None for step in taken] == [2, 1, None]
    with pytest.raises(ChangeNotAllowed):
        services.rollout_move(rollout_id=rollout.pk, state="running", actor="ada")


def test_a_finished_step_proves_that_its_fix_is_deployable() -> None:
    rollout = started()
    assert item_state("3.4.6").status == "not_started"
    step = services.step_start(rollout_id=rollout.pk, actor="ada")
    green(step.gates)
    services.step_finish(rollout_id=rollout.pk, actor="ada")
    assert item_state("3.4.6").status == "verified"
    assert item_state("2.4.6").status == "not_started"


def test_after_the_last_step_its_gates_are_verified_on_a_schedule_for_a_set_time(sent: list[str]) -> None:
    rollout = finished()
    assert rollout.state == "watching" and rollout.watch_until is not None
    assert services.rollouts_watch() == {"watched": 1, "over": 0}
    queued = set(VerificationRun.objects.filter(status="queued", trigger="watch").values_list("name", flat=True))
    assert queued == {gate for step in STEPS for gate in step.gates}
    services.rollouts_watch()
    assert VerificationRun.objects.filter(status="queued").count() == len(queued), "nothing is queued twice"
    assert services.rollouts_watch(moment=rollout.watch_until + timedelta(seconds=1)) == {"watched": 0, "over": 1}
    assert Rollout.objects.get().state == "done"


def test_a_gate_that_turns_red_while_watched_reopens_its_rows() -> None:
    finished()
    services.item_override(row="2.2.5", status="verified", reason="signed off", actor="ada")
    run = ended("archive.walks", "running")
    VerificationRun.objects.filter(pk=run.pk).update(finished_at=None, alive_at=now())
    runs.run_finish(run=run, status=RunStatus.FAILED, reasons=["missed is 3"])
    state = item_state("2.2.5")
    assert state.status == "failing" and state.item.reopened_at is not None and state.item.override == ""
    assert JournalEntry.objects.filter(subject="item 2.2.5", action="reopen").exists()
    assert item_state("2.3.1").item.reopened_at is None


def test_the_command_carries_a_rollout_from_plan_to_the_way_back() -> None:
    def rollout(*arguments: str) -> str:
        said = StringIO()
        call_command("rollout", *arguments, "--who", "ada", stdout=said)
        return said.getvalue()

    assert "planned" in rollout("plan", "winter")
    rollout("start", "winter")
    assert "manage.py verify authgateway.audit" in rollout("begin", "winter")
    with pytest.raises(CommandError, match="Not green"):
        rollout("finish", "winter")
    green(STEPS[0].gates)
    assert "done" in rollout("finish", "winter", "--note", "fine")
    rollout("pause", "winter")
    assert "way back" in rollout("roll-back", "winter", "--reason", "errors")
    assert "taken back" in rollout("taken-back", "winter")
    assert RolloutStep.objects.get(position=1).state == "rolled_back"
    with pytest.raises(CommandError):
        rollout("show", "nothing")
    assert rollouts.watched_gates(Rollout.objects.get())
