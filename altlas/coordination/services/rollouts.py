"""Rollouts: steps in order, gates, pause, the way back, and the watch afterwards."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from altlas.coordination import journal, plan
from altlas.coordination.conf import conf
from altlas.coordination.exceptions import ChangeNotAllowed, GateClosed
from altlas.coordination.models import Rollout, RolloutStep, Trigger, VerificationRun
from altlas.coordination.selectors import latest_runs
from altlas.coordination.services.items import item_reopen
from altlas.coordination.services.runs import runs_queue
from altlas.coordination.statuses import (
    ROLLOUT_TRANSITIONS,
    RolloutState,
    RunStatus,
    StepState,
)
from altlas.kernel.clock import now
from altlas.kernel.errors import InvalidInput, NotFound
from altlas.kernel.verification import Load, get


def rollout_create(*, name: str, actor: str) -> Rollout:
    """Make a rollout of the standard plan (``altlas.coordination.plan``); steps can be edited while it is planned."""
    if not name.strip():
        raise InvalidInput("A rollout needs a name.")
    with transaction.atomic():
        if Rollout.objects.filter(name=name.strip()).exists():
            raise ChangeNotAllowed(f"There is a rollout {name.strip()!r} already.")
        rollout = Rollout.objects.create(name=name.strip())
        RolloutStep.objects.bulk_create(
            RolloutStep(
                rollout=rollout,
                position=position,
                title=step.title,
                instruction=step.instruction,
                rollback=step.rollback,
                gates=list(step.gates),
            )
            for position, step in enumerate(plan.STEPS, start=1)
        )
        journal.note(f"rollout {rollout.pk}", "create", actor=actor, name=rollout.name)
    return rollout


def rollout_move(*, rollout_id: int, state: str, actor: str) -> Rollout:
    """Start, pause or resume.

    Raises:
        ChangeNotAllowed.
    """
    with transaction.atomic():
        rollout = _locked(rollout_id)
        if state not in (RolloutState.RUNNING, RolloutState.PAUSED):
            raise ChangeNotAllowed(f"{state} is reached by finishing or rolling back the steps.")
        _move(rollout, state, actor)
    return rollout


def step_start(*, rollout_id: int, actor: str) -> RolloutStep:
    """Begin the next step.

    Raises:
        ChangeNotAllowed: the rollout does not run, or a step is under way.
    """
    with transaction.atomic():
        rollout = _running(rollout_id)
        if rollout.steps.filter(state=StepState.RUNNING).exists():
            raise ChangeNotAllowed("Finish or roll back the step that is under way first.")
        step = rollout.steps.filter(state=StepState.PENDING).order_by("position").first()
        if step is None:
            raise ChangeNotAllowed("There is no step left.")
        step.state, step.actor, step.started_at = StepState.RUNNING, actor, now()
        step.save()
        journal.note(f"rollout {rollout.pk}", "step started", actor=actor, step=str(step))
    return step


def step_finish(*, rollout_id: int, actor: str, note: str = "") -> RolloutStep:
    """Finish the step under way; its gates must have turned green since it began. The last step starts the watch.

    Raises:
        GateClosed: which verifications are not green.
        ChangeNotAllowed.
    """
    with transaction.atomic():
        rollout = _running(rollout_id)
        step = _under_way(rollout)
        closed = gates_closed(step)
        if closed:
            raise GateClosed(f"Not green since the step began: {', '.join(closed)}.")
        step.state, step.actor, step.finished_at, step.note = StepState.DONE, actor, now(), note
        step.save()
        journal.note(f"rollout {rollout.pk}", "step finished", actor=actor, step=str(step))
        if not rollout.steps.filter(state=StepState.PENDING).exists():
            rollout.watch_until = now() + timedelta(hours=conf.watch_hours)
            _move(rollout, RolloutState.WATCHING, actor)
    return step


def step_roll_back(*, rollout_id: int, actor: str, note: str = "") -> RolloutStep | None:
    """Record that the newest step that is done or under way was taken back; None when there is none left."""
    with transaction.atomic():
        rollout = _locked(rollout_id)
        if rollout.state != RolloutState.ROLLED_BACK:
            raise ChangeNotAllowed("Roll the rollout back first; its steps are then taken back one by one.")
        taken = rollout.steps.filter(state__in=[StepState.DONE, StepState.RUNNING]).order_by("-position").first()
        if taken is None:
            return None
        taken.state, taken.actor, taken.finished_at, taken.note = StepState.ROLLED_BACK, actor, now(), note
        taken.save()
        journal.note(f"rollout {rollout.pk}", "step rolled back", actor=actor, step=str(taken), way=taken.rollback)
    return taken


def rollout_roll_back(*, rollout_id: int, actor: str, reason: str) -> Rollout:
    """Stop going forward: from now on steps are taken back, the newest first (``step_roll_back``)."""
    if not reason.strip():
        raise InvalidInput("Say why it is rolled back.")
    with transaction.atomic():
        rollout = _locked(rollout_id)
        rollout.watch_until = None
        _move(rollout, RolloutState.ROLLED_BACK, actor, reason=reason.strip())
    return rollout


def gates_closed(step: RolloutStep) -> list[str]:
    """Return the gates of ``step`` that are not green, newest run since the step began."""
    runs = latest_runs(step.gates)
    since = step.started_at or now()
    return [
        name
        for name in step.gates
        if name not in runs
        or runs[name].status != RunStatus.PASSED
        or runs[name].sabotaged
        or (runs[name].finished_at or since) < since
    ]


def gates_verify(*, rollout_id: int, load: Load = Load.LOW, user: object = None) -> list[VerificationRun]:
    """Queue the gates of the step under way."""
    step = _under_way(_found(rollout_id))
    return runs_queue(wanted=[(get(name), load) for name in step.gates], trigger=Trigger.ADMIN, user=user)


def rollouts_watch(*, moment: datetime | None = None) -> dict[str, int]:
    """Verify the gates of every rollout that is watched, and let go of those whose time is over."""
    moment = moment or now()
    over = watched = 0
    with transaction.atomic():
        for rollout in Rollout.objects.select_for_update(of=("self",)).filter(state=RolloutState.WATCHING):
            if rollout.watch_until is None or rollout.watch_until <= moment:
                rollout.finished_at = moment
                _move(rollout, RolloutState.DONE, "")
                over += 1
                continue
            names = sorted(watched_gates(rollout))
            queued = set(
                VerificationRun.objects.filter(
                    status__in=[RunStatus.QUEUED, RunStatus.RUNNING], name__in=names
                ).values_list("name", flat=True)
            )
            wanted = [(get(name), Load.LOW) for name in names if name not in queued]
            if wanted:
                runs_queue(wanted=wanted, trigger=Trigger.WATCH)
            watched += 1
    return {"watched": watched, "over": over}


def watched_gates(rollout: Rollout) -> set[str]:
    return {name for gates in rollout.steps.values_list("gates", flat=True) for name in gates}


def reopen_watched(*, run: VerificationRun) -> list[str]:
    """Reopen the rows that a red ``run`` proves, when a rollout under watch rests on it; return them."""
    watching = Rollout.objects.filter(state=RolloutState.WATCHING)
    if not any(run.name in watched_gates(rollout) for rollout in watching):
        return []
    rows = list(get(run.name).rows)
    for row in rows:
        item_reopen(row=row, reason=f"{run.name} turned red while a rollout is watched: {'; '.join(run.reasons)}")
    return rows


def _move(rollout: Rollout, state: str, actor: str, **detail: str) -> None:
    if state not in ROLLOUT_TRANSITIONS[rollout.state]:
        raise ChangeNotAllowed(f"A rollout that is {rollout.state} cannot become {state}.")
    before, rollout.state = rollout.state, state
    if state == RolloutState.RUNNING and rollout.started_at is None:
        rollout.started_at = now()
    rollout.save()
    journal.note(f"rollout {rollout.pk}", str(state), actor=actor, before=str(before), **detail)


def _found(rollout_id: int) -> Rollout:
    rollout = Rollout.objects.filter(pk=rollout_id).first()
    if rollout is None:
        raise NotFound("There is no such rollout.")
    return rollout


def _locked(rollout_id: int) -> Rollout:
    rollout = Rollout.objects.select_for_update(of=("self",)).filter(pk=rollout_id).first()
    if rollout is None:
        raise NotFound("There is no such rollout.")
    return rollout


def _running(rollout_id: int) -> Rollout:
    rollout = _locked(rollout_id)
    if rollout.state != RolloutState.RUNNING:
        raise ChangeNotAllowed(f"The rollout is {rollout.state}; start or resume it first.")
    return rollout


def _under_way(rollout: Rollout) -> RolloutStep:
    step = rollout.steps.filter(state=StepState.RUNNING).first()
    if step is None:
        raise ChangeNotAllowed("No step is under way.")
    return step


__all__ = [
    "gates_closed",
    "gates_verify",
    "reopen_watched",
    "rollout_create",
    "rollout_move",
    "rollout_roll_back",
    "rollouts_watch",
    "step_finish",
    "step_roll_back",
    "step_start",
    "watched_gates",
]
