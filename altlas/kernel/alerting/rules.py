"""The rules that apps have declared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from django.utils.functional import Promise

Severity = Literal["warning", "critical"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that a probe found wrong; ``key`` tells it from others of the same rule."""

    key: str = ""
    summary: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


Probe = Callable[[float | None], Iterable[Finding]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """``severity`` and ``threshold`` are defaults: an operator may change both. ``probe`` gets the threshold."""

    name: str
    title: str | Promise
    severity: Severity
    help: str | Promise = ""
    threshold: float | None = None
    unit: str | Promise = ""
    probe: Probe | None = None


_rules: dict[str, Rule] = {}


def register_rule(rule: Rule) -> None:
    """Declare a rule; a second one of that name replaces the first."""
    _rules[rule.name] = rule


def rules() -> dict[str, Rule]:
    return dict(_rules)


def rule(name: str) -> Rule:
    """Return a declared rule.

    Raises:
        KeyError: no app has declared it; a defect of the caller.
    """
    return _rules[name]


def title(name: str) -> str:
    """Return what a person calls the rule, in the language of the moment; its name when it is no longer declared."""
    found = _rules.get(name)
    return str(found.title) if found is not None else name
