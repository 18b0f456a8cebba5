"""Alerts, in one place: rules, what is firing, its history, silences, and telling people.

An app declares what can be wrong once, in its ``AppConfig.ready``:

    register_rule(Rule(name="model_memory", title=_("A model grows"), severity="critical", help=_("…")))

and says so wherever it notices, in any process:

    raise_alert("model_memory", key="all-minilm:1", summary="grew from 36 to 80 MB", detail={"bytes": 83886080})
    resolve_alert("model_memory", key="all-minilm:1")

or gives the rule a ``probe`` that beat asks every minute; its findings are raised, and what it no longer finds is
resolved.
"""

from altlas.kernel.alerting.rules import Finding, Rule, register_rule
from altlas.kernel.alerting.services import raise_alert, resolve_alert

__all__ = ["Finding", "Rule", "raise_alert", "register_rule", "resolve_alert"]
