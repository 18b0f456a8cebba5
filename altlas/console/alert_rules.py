"""Alerts on what the console sees of the whole installation."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from altlas.console.cards import cards
from altlas.kernel import slow_queries
from altlas.kernel.alerting import Finding, Rule, register_rule
from altlas.kernel.clock import now
from altlas.kernel.ledger import operating
from orchestrator.selectors import cache_state, node_list

_SLOW_WINDOW = 600.0


def register() -> None:
    for rule in (
        Rule(
            name="service_failing",
            title=_("A service is failing"),
            severity="critical",
            help=_("A card of the landing page is red."),
            probe=_failing,
        ),
        Rule(
            name="node_lost",
            title=_("A node is gone"),
            severity="critical",
            help=_("A node of the last day gives no sign of life and was not drained."),
            probe=_lost,
        ),
        Rule(
            name="memory_budget",
            title=_("A node's model memory is nearly full"),
            severity="warning",
            help=_("Memory of models against the node's budget."),
            threshold=0.97,
            unit=_("share of the budget"),
            probe=_full,
        ),
        Rule(
            name="queue_waits",
            title=_("Background jobs wait too long"),
            severity="warning",
            help=_("Age of the oldest waiting job of a queue."),
            threshold=300,
            unit=_("seconds"),
            probe=_waits,
        ),
        Rule(
            name="jobs_failing",
            title=_("Background jobs fail"),
            severity="warning",
            help=_("Failed jobs of one kind within the last hour."),
            threshold=5,
            unit=_("jobs an hour"),
            probe=_jobs,
        ),
        Rule(
            name="slow_queries",
            title=_("Slow database statements"),
            severity="warning",
            help=_("Statements above ALTLAS_SLOW_QUERY_MS within the last ten minutes."),
            threshold=10,
            unit=_("statements"),
            probe=_slow,
        ),
    ):
        register_rule(rule)


def _failing(_threshold: float | None) -> Iterator[Finding]:
    for card in cards():
        if card["state"] == "failing":
            yield Finding(key=card["name"], summary=card["reason"])


def _lost(_threshold: float | None) -> Iterator[Finding]:
    alive = {node["name"] for node in cache_state()}
    for node in node_list().filter(last_seen_at__gte=now() - timedelta(days=1)):
        # The row is written every ten seconds; a younger silence is a restart.
        quiet = (now() - (node.last_seen_at or now())).total_seconds()
        if node.name not in alive and not node.draining and quiet > 30:
            yield Finding(key=node.name, summary=f"last seen {quiet:.0f} s ago", detail={"seconds": round(quiet)})


def _full(threshold: float | None) -> Iterator[Finding]:
    for node in cache_state():
        share = node["used_bytes"] / node["budget_bytes"] if node["budget_bytes"] else 0.0
        if threshold is not None and share > threshold:
            yield Finding(key=node["name"], summary=f"{share:.0%} of the budget", detail={"share": round(share, 4)})


def _waits(threshold: float | None) -> Iterator[Finding]:
    for queue in operating.queues():
        if threshold is not None and queue["oldest_seconds"] > threshold:
            summary = f"{queue['waiting']} wait, the oldest for {queue['oldest_seconds']:.0f} s"
            yield Finding(key=queue["queue"], summary=summary, detail=queue)


def _jobs(threshold: float | None) -> Iterator[Finding]:
    for name, count in operating.failed_since(now() - timedelta(hours=1)).items():
        if threshold is not None and count > threshold:
            yield Finding(key=name, summary=f"{count} failed in the last hour", detail={"count": count})


def _slow(threshold: float | None) -> Iterator[Finding]:
    recent = [entry for entry in slow_queries.latest(50) if time.time() - entry["at"] < _SLOW_WINDOW]
    if threshold is not None and len(recent) > threshold:
        slowest = max(recent, key=lambda entry: entry["seconds"])
        summary = f"{len(recent)} in ten minutes, the slowest {slowest['seconds']:.2f} s"
        yield Finding(summary=summary, detail={"slowest": slowest["sql"][:300]})
