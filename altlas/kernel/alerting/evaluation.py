"""Asking the probes: what they find is raised, what they no longer find is resolved."""

from __future__ import annotations

import logging

from altlas.kernel.alerting import rules
from altlas.kernel.alerting.services import raise_alert, resolve_alert, rule_row
from altlas.kernel.models import Alert

logger = logging.getLogger(__name__)


def alerts_evaluate() -> dict[str, int]:
    """Ask every rule that has a probe; return how many findings each gave. A probe that fails changes nothing."""
    counts = {}
    for name, rule in rules.rules().items():
        if rule.probe is None:
            continue
        try:
            counts[name] = _evaluate(name, rule.probe)
        except Exception:  # one broken probe must not silence the others
            logger.exception("the alert rule %s could not be evaluated", name)
    return counts


def _evaluate(name: str, probe: rules.Probe) -> int:
    row = rule_row(name)
    findings = {found.key[:200]: found for found in probe(row.threshold)} if row.enabled else {}
    for found in findings.values():
        raise_alert(name, key=found.key, summary=found.summary, detail=found.detail)
    firing = Alert.objects.filter(rule=row, state=Alert.State.FIRING)
    for key in firing.exclude(key__in=list(findings)).values_list("key", flat=True):
        resolve_alert(name, key=key)
    return len(findings)
