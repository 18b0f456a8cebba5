"""Reads of coordination, for its own pages and for the console's landing page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.urls import reverse

from altlas.coordination import evidence, requirements
from altlas.coordination.conf import conf
from altlas.coordination.evidence import Piece, Verdict
from altlas.coordination.labels import label
from altlas.coordination.models import DailySummary, Evidence, Fault, Risk, VerificationRun, WorkItem
from altlas.coordination.statuses import ENDED, ItemStatus, RiskState, RunStatus
from altlas.kernel import clock
from altlas.kernel.verification import Verification, registered

_VERDICTS: dict[str, Verdict] = {
    RunStatus.PASSED: "green",
    RunStatus.FAILED: "red",
    RunStatus.ERROR: "red",
    RunStatus.INCONCLUSIVE: "unclear",
    RunStatus.QUEUED: "pending",
    RunStatus.RUNNING: "pending",
}
_FIGURES = 3
_COMMANDS = {
    Evidence.Source.TESTS.value: "manage.py evidence junit FILE",
    Evidence.Source.PERSON.value: "manage.py evidence record {row} --passed --note …",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemState:
    """A work item with what is known of it. ``derived`` is what the evidence says, ``status`` what is shown."""

    item: WorkItem
    status: ItemStatus
    derived: ItemStatus
    why: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultSummary:
    """One of the four faults (or coordination) in figures: ``counts`` by status, worst status first in ``state``."""

    fault: str
    title: str
    total: int
    counts: dict[str, int]
    state: str
    verified_share: float
    link: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenRisk:
    id: int
    kind: str
    title: str
    severity: int
    severity_label: str
    state: str
    owner: str
    age: timedelta
    link: str


def latest_runs(names: Iterable[str] | None = None) -> dict[str, VerificationRun]:
    """Return the run of every verification that decides, cancelled ones aside; one query.

    The newest one; but a load whose own newest run is red stays red until it is verified again: what fails under high
    load is not disproved by a run under low load.
    """
    found = VerificationRun.objects.filter(status__in=ENDED - {RunStatus.CANCELLED})
    if names is not None:
        found = found.filter(name__in=list(names))
    decides: dict[str, VerificationRun] = {}
    for run in found.order_by("name", "load", "-finished_at", "-id").distinct("name", "load"):
        known = decides.get(run.name)
        if known is None or _weight(run) > _weight(known):
            decides[run.name] = run
    return decides


def _weight(run: VerificationRun) -> tuple[bool, datetime]:
    return _VERDICTS[run.status] == "red", run.finished_at or run.created_at


def item_states(*, now: datetime | None = None, rows: Iterable[str] | None = None) -> list[ItemState]:
    """Return the state of every work item (or of ``rows``), in their order; four queries however many there are."""
    moment = now or clock.now()
    items = WorkItem.objects.select_related("owner")
    if rows is not None:
        items = items.filter(pk__in=list(rows))
    runs = latest_runs()
    proofs = _proofs()
    words = _newest_words()
    done_faults = _rolled_out()
    return [_state(item, runs, proofs, words, done_faults, moment) for item in items]


def item_state(row: str, *, now: datetime | None = None) -> ItemState:
    return next(iter(item_states(now=now, rows=[row])))


def fault_summaries(*, states: list[ItemState] | None = None) -> list[FaultSummary]:
    """Return the five groups in their order, for the landing page and the daily summary."""
    groups: dict[str, list[ItemState]] = defaultdict(list)
    for state in item_states() if states is None else states:
        groups[state.item.fault].append(state)
    return [_summary(fault, groups[fault.value]) for fault in Fault]


def latest_daily(*, before: date | None = None) -> DailySummary | None:
    """Return the newest daily summary (of a day before ``before``); None when there is none yet."""
    found = DailySummary.objects.all() if before is None else DailySummary.objects.filter(day__lt=before)
    return found.order_by("-day").first()


def open_risks(*, limit: int | None = None) -> list[OpenRisk]:
    """Return what is not resolved, the most severe and oldest first."""
    found = Risk.objects.exclude(state=RiskState.RESOLVED).select_related("owner").order_by("-severity", "opened_at")
    return [
        OpenRisk(
            id=risk.pk,
            kind=risk.kind,
            title=risk.title,
            severity=risk.severity,
            severity_label=str(risk.get_severity_display()),
            state=risk.state,
            owner=str(risk.owner or ""),
            age=risk.age,
            link=reverse("admin:coordination_risk_change", args=[risk.pk]),
        )
        for risk in (found if limit is None else found[:limit])
    ]


def verifications_of(row: str) -> list[Verification]:
    return [verification for verification in registered() if row in _rows_of(verification)]


def key_figures(run: VerificationRun) -> str:
    """Return a run's judged figures in one line, those nearest to the point first."""
    shown = []
    for threshold in run.thresholds[:_FIGURES]:
        value = run.metrics.get(threshold["metric"])
        if value is not None:
            shown.append(f"{threshold['metric']} {value:.4g}{threshold['unit']}")
    return ", ".join(shown)


def run_data(run: VerificationRun) -> dict[str, Any]:
    """Return what the live page needs to know of a run."""
    return {
        "id": str(run.pk),
        "name": run.name,
        "load": run.load,
        "status": run.status,
        "label": label(run.status),
        "progress": run.progress,
        "stage": run.stage,
        "reasons": run.reasons,
        "notes": run.notes,
        "metrics": run.metrics,
        "over": run.status in ENDED,
        "link": reverse("admin:coordination_verificationrun_change", args=[run.pk]),
    }


def _rows_of(verification: Verification) -> tuple[str, ...]:
    return (*verification.rows, *requirements.TOGETHER)


def _proofs() -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for verification in registered():
        for row in _rows_of(verification):
            found[row].append(verification.name)
    return found


def _newest_words() -> dict[tuple[str, str], Evidence]:
    rows = Evidence.objects.order_by("item_id", "source", "-at", "-id").distinct("item_id", "source")
    return {(word.item_id, word.source): word for word in rows}


def _rolled_out() -> dict[str, datetime]:
    from altlas.coordination.models import RolloutStep
    from altlas.coordination.statuses import StepState

    done = RolloutStep.objects.filter(state=StepState.DONE, finished_at__isnull=False)
    found: dict[str, datetime] = {}
    for title, at in done.order_by("finished_at").values_list("title", "finished_at"):
        for fault in Fault.values:
            if fault in title and at is not None:
                found[fault] = at
    return found


def _state(
    item: WorkItem,
    runs: dict[str, VerificationRun],
    proofs: dict[str, list[str]],
    words: dict[tuple[str, str], Evidence],
    done_faults: dict[str, datetime],
    moment: datetime,
) -> ItemState:
    pieces = [_of_run(name, runs.get(name)) for name in proofs.get(item.row, ())]
    by_tests = "Tests in " in item.proof
    for source in Evidence.Source.values:
        word = words.get((item.row, source))
        expected = not pieces and (by_tests if source == Evidence.Source.TESTS else not by_tests)
        if word is not None:
            pieces.append(_of_word(word))
        elif expected and "rollout's step" in item.proof:
            pieces.append(_of_rollout(item.fault, done_faults.get(item.fault)))
        elif expected:
            pieces.append(Piece(source=source, command=_COMMANDS[source].format(row=item.row)))
    derived = evidence.derive(pieces, now=moment, fresh_for=timedelta(days=conf.evidence_days))
    shown = ItemStatus(item.override) if item.override else derived.status
    why = f"{item.override_reason} ({derived.why})" if item.override else derived.why
    return ItemState(item=item, status=shown, derived=derived.status, why=why, pieces=tuple(pieces))


def _of_run(name: str, run: VerificationRun | None) -> Piece:
    if run is None:
        return Piece(source=name, command=f"manage.py verify {name}")
    return Piece(
        source=name,
        verdict=_VERDICTS[run.status],
        at=run.finished_at,
        figure=key_figures(run),
        command=run.command,
        reasons=tuple(run.reasons),
        drill=run.sabotaged,
        link=reverse("admin:coordination_verificationrun_change", args=[run.pk]),
    )


def _of_word(word: Evidence) -> Piece:
    return Piece(
        source=word.source,
        verdict="green" if word.passed else "red",
        at=word.at,
        figure=word.figure or (word.note if word.passed else ""),
        command=word.command,
        reasons=(word.note or "recorded as not passed",) if not word.passed else (),
    )


def _of_rollout(fault: str, at: datetime | None) -> Piece:
    return Piece(
        source="rollout", verdict="pending" if at is None else "green", at=at, command="manage.py rollout show"
    )


def _together(found: set[ItemStatus]) -> ItemStatus:
    """Return the state of a fault whose rows are in these states: the worst, and under way once anything has begun."""
    for worst in (ItemStatus.FAILING, ItemStatus.STALE):
        if worst in found:
            return worst
    if len(found) == 1:
        return found.pop()
    return ItemStatus.IN_PROGRESS if found else ItemStatus.VERIFIED


def _summary(fault: Fault, states: list[ItemState]) -> FaultSummary:
    counts = {status.value: sum(state.status is status for state in states) for status in ItemStatus}
    state = _together({status for status in ItemStatus if counts[status.value]})
    return FaultSummary(
        fault=fault.value,
        title=str(fault.label),
        total=len(states),
        counts=counts,
        state=state.value,
        verified_share=counts[ItemStatus.VERIFIED] / len(states) if states else 0.0,
        link=f"{reverse('admin:coordination_workitem_board')}?fault={fault.value}",
    )
