"""The alerts of the memory watch."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from altlas.kernel.alerting import Rule, register_rule

SOFT, HARD = "memory_soft", "memory_hard"


def register() -> None:
    register_rule(
        Rule(
            name=SOFT,
            title=_("Memory above its soft limit"),
            severity="warning",
            help=_("A process, or all of a node together, holds more than expected; runners give memory back."),
        )
    )
    register_rule(
        Rule(
            name=HARD,
            title=_("Memory above its hard limit"),
            severity="critical",
            help=_("As above, and more: a runner is replaced, a node soon refuses loads."),
        )
    )
