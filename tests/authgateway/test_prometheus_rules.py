"""The alert rules watch metrics and events that exist."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from prometheus_client import Counter

from authgateway import metrics

ROOT = Path(__file__).resolve().parents[2]
RULES = yaml.safe_load((ROOT / "deploy" / "prometheus" / "auth.rules.yml").read_text())["groups"][0]["rules"]
CODE = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "authgateway").rglob("*.py"))


def test_rules_name_metrics_that_are_exported() -> None:
    exported = {f"{item._name}_total" for item in vars(metrics).values() if isinstance(item, Counter)}
    used = {name for rule in RULES for name in re.findall(r"altlas_auth_\w+", rule["expr"])}
    assert used
    assert used <= exported


def test_rules_name_kinds_of_events_that_are_recorded() -> None:
    kinds = {
        kind for rule in RULES for listed in re.findall(r'kind=~"([^"]+)"', rule["expr"]) for kind in listed.split("|")
    }
    assert kinds
    assert [kind for kind in kinds if f'"{kind}"' not in CODE] == []


def test_every_alert_says_what_it_means() -> None:
    for rule in RULES:
        if "alert" in rule:
            assert rule["annotations"]["summary"]
            assert rule["labels"]["severity"] in {"warning", "critical"}
