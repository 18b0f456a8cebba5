"""Records of a verification's own account: written over HTTP, removed with everything about them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.db import transaction

from altlas.kernel.verification import Account, Inconclusive, Probe
from altlas.kernel.verification.door import Door, Reply
from altlas.kernel.verification.registry import cleaner
from archive.models import AuditEntry, IdempotencyKey, Record

RECORDS = "/api/v1/archive/records"
_BATCH = 2_000
_WORDS = ("lighthouse", "maraton", "köprü", "harvest", "oatmeal", "arıcılık", "evening", "kahve")


@cleaner
def remove_records(owner_id: Any) -> None:
    """Delete what a verification's account has in the archive, holds and trash included."""
    with transaction.atomic():
        Record.objects.filter(owner_id=owner_id).delete()
        AuditEntry.objects.filter(owner_id=owner_id).delete()
        IdempotencyKey.objects.filter(owner_id=owner_id).delete()


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelf:
    """A logged-in door and the ids of what was put on the shelf."""

    door: Door
    account: Account
    ids: list[str]

    def page(self, address: str = "", **query: Any) -> Reply:
        """Ask for a page: a first one by ``query``, a further one by the ``address`` that the last one gave."""
        if not address:
            return self.door.get(RECORDS, **query)
        parts = urlsplit(address)
        return self.door.get(parts.path, **dict(parse_qsl(parts.query)))


@contextmanager
def filled(probe: Probe, count: int) -> Iterator[Shelf]:
    """Store ``count`` records in bursts that share one moment; they are gone after the block."""
    with probe.account() as account, Door(probe.url) as door:
        reply = door.log_in(account)
        if not reply.ok:
            raise Inconclusive(f"the verification's account could not log in: {reply.status} {reply.error}")
        ids: list[str] = []
        while len(ids) < count:
            probe.progress(0.3 * len(ids) / max(1, count), f"storing {count} records")
            rows = [_row(number) for number in range(len(ids), min(count, len(ids) + _BATCH))]
            reply = door.post("/api/v1/archive/bulk", {"records": rows, "atomic": True})
            if not reply.ok:
                raise Inconclusive(f"records could not be stored: {reply.status} {reply.body or reply.error}")
            ids += [str(result["id"]) for result in reply.body["results"]]
        yield Shelf(door=door, account=account, ids=ids)


def cache_reads(door: Door) -> dict[str, float]:
    """Return the cache's counts by outcome from /metrics.

    Raises:
        Inconclusive: the metrics are closed to us.
    """
    token = os.environ.get("ALTLAS_METRICS_TOKEN", "")
    reply = door.call("GET", "/metrics", headers={"Authorization": f"Bearer {token}", "Accept": "text/plain"})
    if not reply.ok:
        raise Inconclusive(f"/metrics answers {reply.status}: the hit rate cannot be read")
    found: dict[str, float] = {}
    for line in str(reply.body).splitlines():
        if line.startswith("altlas_archive_cache_reads_total{"):
            labels, _, value = line.rpartition(" ")
            outcome = labels.partition('outcome="')[2].partition('"')[0]
            found[outcome] = found.get(outcome, 0.0) + float(value)
    return found


def _row(number: int) -> dict[str, Any]:
    word = _WORDS[number % len(_WORDS)]
    return {
        "kind": ("sentence", "topic", "chunk")[number % 3],
        "title": f"{word} {number % 500}",
        "text": f"The {word} of record number {number}.",
        "payload": {"number": number},
        "tags": [word],
        "language": "en",
        "success_rate": None if number % 5 == 0 else (number % 4) / 4,
    }
