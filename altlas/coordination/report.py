"""The final report: every requirement row with the evidence behind it, its figure, date and command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from altlas.coordination import plots
from altlas.coordination.execution import default_url, environment
from altlas.coordination.labels import label
from altlas.coordination.models import Decision, Rollout, VerificationRun
from altlas.coordination.selectors import (
    FaultSummary,
    ItemState,
    OpenRisk,
    fault_summaries,
    item_states,
    latest_runs,
    open_risks,
)
from altlas.kernel import clock
from altlas.kernel.verification import get, registered


@dataclass(frozen=True, kw_only=True, slots=True)
class FinalReport:
    """All that a report shows, read at one moment."""

    made_at: datetime
    states: list[ItemState]
    faults: list[FaultSummary]
    runs: list[VerificationRun]
    risks: list[OpenRisk]
    decisions: list[Decision]
    rollouts: list[Rollout]
    environment: dict[str, Any]


def collect() -> FinalReport:
    states = item_states()
    names = [verification.name for verification in registered()]
    return FinalReport(
        made_at=clock.now(),
        states=states,
        faults=fault_summaries(states=states),
        runs=sorted(latest_loads(names), key=lambda run: (run.name, str(run.load))),
        risks=open_risks(),
        decisions=list(Decision.objects.select_related("item", "risk")[:200]),
        rollouts=list(Rollout.objects.prefetch_related("steps")[:20]),
        environment=environment(default_url()),
    )


def latest_loads(names: list[str]) -> list[VerificationRun]:
    """Return the newest run of every verification, and its newest at every load of the same batch."""
    newest = latest_runs(names)
    found: dict[tuple[str, str], VerificationRun] = {}
    batches = {run.batch for run in newest.values()}
    for run in VerificationRun.objects.filter(batch__in=batches, name__in=names).order_by("finished_at", "id"):
        if run.finished_at is not None and run.status != "cancelled":
            found[run.name, run.load] = run
    for run in newest.values():
        found[run.name, run.load] = run
    return list(found.values())


def as_html(report: FinalReport) -> str:
    """Return one self-contained page: styles and plots inside, nothing fetched, made for print as well."""
    return render_to_string("coordination/report.html", _context(report))


def _context(report: FinalReport) -> dict[str, Any]:
    return {
        "report": report,
        "made_at": _local(report.made_at),
        "command": "manage.py report final",
        "faults": [
            {
                "summary": fault,
                "label": label(fault.state),
                "share": f"{fault.verified_share:.0%}",
                "rows": [_row(state) for state in report.states if state.item.fault == fault.fault],
            }
            for fault in report.faults
        ],
        "runs": [_run(run) for run in report.runs],
    }


def _row(state: ItemState) -> dict[str, Any]:
    return {
        "state": state,
        "label": label(state.status),
        "pieces": [{"piece": piece, "at": _local(piece.at) if piece.at else "–"} for piece in state.pieces],
    }


def _run(run: VerificationRun) -> dict[str, Any]:
    return {
        "run": run,
        "title": get(run.name).title,
        "fault": get(run.name).fault,
        "at": _local(run.finished_at) if run.finished_at else "–",
        "seconds": _seconds(run),
        "judged": [
            {
                "metric": one["metric"],
                "value": _number(run.metrics.get(one["metric"])) + one["unit"],
                "limit": f"{one['sign']} {one['limit']:g}{one['unit']}",
            }
            for one in run.thresholds
        ],
        "plot": plots.line_plot(run.series, title=f"{run.name} {run.load}"),
    }


def as_markdown(report: FinalReport) -> str:
    return "\n".join(_markdown(report)) + "\n"


def _markdown(report: FinalReport) -> Iterator[str]:
    yield f"# {_('Final report')}"
    yield ""
    yield f"{_local(report.made_at)} · " + ", ".join(f"{key} {value}" for key, value in report.environment.items())
    yield ""
    yield f"| {_('fault')} | {_('state')} | {_('verified')} |"
    yield "|---|---|---|"
    for fault in report.faults:
        verified = f"{fault.counts['verified']} / {fault.total}"
        yield f"| {fault.fault} {fault.title} | {label(fault.state)} | {verified} |"
    for fault in report.faults:
        yield ""
        yield f"## {fault.fault} {fault.title}"
        yield ""
        head = (_("row"), _("requirement"), _("state"), _("evidence"), _("figure"), _("date"), _("command"))
        yield f"| {' | '.join(head)} |"
        yield "|---|---|---|---|---|---|---|"
        for state in report.states:
            if state.item.fault == fault.fault:
                yield from _markdown_row(state)
    yield ""
    yield f"## {_('Verification runs')}"
    yield ""
    yield f"| {_('verification')} | {_('load')} | {_('verdict')} | {_('figures')} | {_('seconds')} | {_('date')} |"
    yield "|---|---|---|---|---|---|"
    for run in report.runs:
        figures = "; ".join(
            f"{one['metric']} {_number(run.metrics.get(one['metric']))}{one['unit']} "
            f"({one['sign']} {one['limit']:g}{one['unit']})"
            for one in run.thresholds
        )
        at = _local(run.finished_at) if run.finished_at else "–"
        yield f"| {run.name} | {run.load} | {label(run.status)} | {figures} | {_seconds(run)} | {at} |"
    yield ""
    yield f"## {_('Open risks and blockers')}"
    yield ""
    for risk in report.risks:
        yield f"- [{risk.severity_label}] {risk.kind}: {risk.title} ({label(risk.state)}, {risk.age.days} d)"
    if not report.risks:
        yield f"- {_('nothing')}"
    yield ""
    yield f"## {_('Decisions')}"
    yield ""
    for decision in report.decisions:
        yield f"- {_local(decision.at)}: {_cell(decision.text)} ({_cell(decision.reason)}, {decision.actor})"
    if not report.decisions:
        yield f"- {_('nothing')}"


def _markdown_row(state: ItemState) -> Iterator[str]:
    item = state.item
    pieces = state.pieces or (None,)
    for number, piece in enumerate(pieces):
        head = f"| {item.row} | {_cell(item.title)} | {label(state.status)}" if number == 0 else "| | |"
        if piece is None:
            yield f"{head} | – | {_cell(state.why)} | – | {_cell(item.proof)} |"
            continue
        drill = f" ({_('a drill')})" if piece.drill else ""
        figure = "; ".join(part for part in (piece.figure, *piece.reasons) if part) or "–"
        at = _local(piece.at) if piece.at else "–"
        verdict = f"{piece.source}: {label(piece.verdict)}{drill}"
        yield f"{head} | {verdict} | {_cell(figure)} | {at} | `{_cell(piece.command)}` |"


def _cell(text: str) -> str:
    return " ".join(str(text).replace("|", "\\|").split())


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _seconds(run: VerificationRun) -> str:
    if run.started_at is None or run.finished_at is None:
        return "–"
    return f"{(run.finished_at - run.started_at).total_seconds():.1f}"


def _local(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M")
