"""Risks and blockers: by hand and by rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from altlas.coordination import journal
from altlas.coordination.exceptions import ChangeNotAllowed, ReasonMissing
from altlas.coordination.models import Decision, Risk, WorkItem
from altlas.coordination.rules import Finding
from altlas.coordination.statuses import RISK_TRANSITIONS, RiskState
from altlas.kernel.clock import now
from altlas.kernel.errors import InvalidInput


def risk_open(
    *,
    kind: str,
    title: str,
    severity: int,
    actor: str,
    detail: str = "",
    row: str | None = None,
    owner: Any = None,
) -> Risk:
    if kind not in Risk.Kind.values or not title.strip():
        raise InvalidInput("A risk needs a kind (risk or blocker) and a title.")
    with transaction.atomic():
        risk = Risk.objects.create(
            kind=kind, title=title.strip(), severity=severity, detail=detail, item=_item(row), owner=owner
        )
        journal.note(f"risk {risk.pk}", "open", actor=actor, title=risk.title)
    return risk


def risk_change(
    *, risk_id: int, actor: str, state: str | None = None, severity: int | None = None, **plan: Any
) -> Risk:
    """Change state (to anything but resolved), severity or ``owner``.

    Raises:
        ChangeNotAllowed: the state does not go there.
    """
    with transaction.atomic():
        risk = _locked(risk_id)
        changed: dict[str, Any] = {}
        if state is not None and state != risk.state:
            if state == RiskState.RESOLVED or state not in RISK_TRANSITIONS[risk.state]:
                raise ChangeNotAllowed(f"A risk that is {risk.state} cannot become {state} so.")
            if risk.state == RiskState.RESOLVED:
                risk.resolved_at, risk.resolution = None, ""
            changed["state"] = [risk.state, state]
            risk.state = state
        if severity is not None and severity != risk.severity:
            changed["severity"] = [risk.severity, severity]
            risk.severity = severity
        if "owner" in plan and plan["owner"] != risk.owner:
            changed["owner"] = [str(risk.owner or ""), str(plan["owner"] or "")]
            risk.owner = plan["owner"]
        if changed:
            risk.save()
            journal.note(f"risk {risk.pk}", "change", actor=actor, **changed)
    return risk


def risk_resolve(*, risk_id: int, resolution: str, actor: str) -> Risk:
    """
    Raises:
        ReasonMissing; ChangeNotAllowed: it is resolved already.
    """
    if not resolution.strip():
        raise ReasonMissing("Say how it was resolved.")
    with transaction.atomic():
        risk = _locked(risk_id)
        if risk.state == RiskState.RESOLVED:
            raise ChangeNotAllowed("It is resolved already.")
        _resolve(risk, resolution.strip(), actor, now())
    return risk


def decision_record(
    *, text: str, reason: str, actor: str, risk: Risk | None = None, item: WorkItem | None = None
) -> Decision:
    if not text.strip():
        raise InvalidInput("A decision needs text.")
    if not reason.strip():
        raise ReasonMissing("Say why it was decided so.")
    with transaction.atomic():
        decision = Decision.objects.create(text=text.strip(), reason=reason.strip(), actor=actor, risk=risk, item=item)
        subject = f"risk {risk.pk}" if risk else f"item {item.pk}" if item else f"decision {decision.pk}"
        journal.note(subject, "decide", actor=actor, decision=decision.text[:200])
    return decision


def risks_reconcile(*, findings: Sequence[Finding], moment: datetime) -> dict[str, int]:
    """Open what rules found and nobody has opened; resolve what they no longer find. Returns the counts."""
    opened = resolved = 0
    with transaction.atomic():
        known = {
            risk.rule: risk
            for risk in Risk.objects.select_for_update(of=("self",)).exclude(rule="").exclude(state=RiskState.RESOLVED)
        }
        for finding in findings:
            risk = known.pop(finding.rule, None)
            if risk is None:
                risk = Risk.objects.create(
                    kind=finding.kind,
                    rule=finding.rule,
                    title=finding.title[:200],
                    detail=finding.detail,
                    severity=finding.severity,
                    item=_item(finding.row),
                    opened_at=moment,
                )
                journal.note(f"risk {risk.pk}", "found", title=risk.title)
                opened += 1
            elif risk.detail != finding.detail:
                risk.detail = finding.detail
                risk.save(update_fields=["detail"])
        for gone in known.values():
            _resolve(gone, "The rule that found it finds it no longer.", "", moment)
            resolved += 1
    return {"opened": opened, "resolved": resolved}


def _resolve(risk: Risk, resolution: str, actor: str, moment: datetime) -> None:
    risk.state, risk.resolution, risk.resolved_at = RiskState.RESOLVED, resolution, moment
    risk.save(update_fields=["state", "resolution", "resolved_at"])
    journal.note(f"risk {risk.pk}", "resolve", actor=actor, resolution=resolution)


def _item(row: str | None) -> WorkItem | None:
    return None if row is None else WorkItem.objects.filter(pk=row).first()


def _locked(risk_id: int) -> Risk:
    risk = Risk.objects.select_for_update(of=("self",)).filter(pk=risk_id).first()
    if risk is None:
        raise InvalidInput("There is no such risk.")
    return risk
