"""The alert rules watch metrics and events that exist."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from prometheus_client import REGISTRY, Counter

from altlas.kernel.models import AlertDelivery
from authgateway import metrics

ROOT = Path(__file__).resolve().parents[2]
RULES = yaml.safe_load((ROOT / "deploy" / "prometheus" / "auth.rules.yml").read_text())["groups"][0]["rules"]
CODE = "\n".join(
    path.read_text(encoding="utf-8")
    for path in (ROOT / "authgateway").rglob("*.py")
    if path.name != "metrics.py"  # names them without recording any
)


def watched() -> set[str]:
    """Return the kinds of events that rules watch."""
    listed = [found for rule in RULES for found in re.findall(r'kind=~"([^"]+)"', rule["expr"])]
    return {kind for kinds in listed for kind in kinds.split("|")}


def test_rules_name_metrics_that_are_exported() -> None:
    exported = {f"{item._name}_total" for item in vars(metrics).values() if isinstance(item, Counter)}
    used = {name for rule in RULES for name in re.findall(r"altlas_auth_\w+", rule["expr"])}
    assert used
    assert used <= exported


def test_rules_name_kinds_of_events_that_are_recorded() -> None:
    kinds = watched()
    assert kinds
    assert [kind for kind in kinds if f'"{kind}"' not in CODE] == []


def test_the_first_event_of_a_kind_is_an_increase() -> None:
    labels = [{"kind": kind, "severity": "high"} for kind in watched()]
    assert [
        item for item in labels if REGISTRY.get_sample_value("altlas_auth_security_events_total", item) is None
    ] == []
    assert REGISTRY.get_sample_value("altlas_auth_alerts_total", {"outcome": "failed"}) is not None
    for channel in AlertDelivery.Channel.values:
        sent = {"channel": channel, "outcome": "failed"}
        assert REGISTRY.get_sample_value("altlas_alert_messages_total", sent) is not None


def test_every_alert_says_what_it_means() -> None:
    for rule in RULES:
        if "alert" in rule:
            assert rule["annotations"]["summary"]
            assert rule["labels"]["severity"] in {"warning", "critical"}
