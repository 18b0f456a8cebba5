"""Walks through all pages, forwards and back, while others write and delete: nothing missed, nothing met twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from altlas.kernel.verification import Load, Outcome, Probe, Series, Threshold, Verification, register
from altlas.kernel.verification.door import Door
from altlas.kernel.verification.sabotage import replaced
from archive import keyset
from archive.cursors import Key
from archive.orderings import Column
from archive.verification import shelf

_ORDERS = ("-created_at", "created_at", "title", "-success_rate,created_at", "success_rate,-created_at")
_SIZE = 100


def run(probe: Probe) -> Outcome:
    orders = _ORDERS[: probe.parameters["orders"]]
    missed = twice = broken = pages = 0
    counts: list[tuple[float, float]] = []
    with shelf.filled(probe, probe.parameters["records"]) as told, _Writers(probe.url, told.door.token):
        wanted = set(told.ids)
        for number, order in enumerate(orders):
            there, last, walked = _walk(probe, told, order, share=number / len(orders))
            back, _, walked_back = _walk(probe, told, order, start=last, key="previous", share=number / len(orders))
            for met in (there, back):
                seen = Counter(record for record in met if record in wanted)
                # The walk back begins before the last page, which it has met already.
                expected = wanted if met is there else wanted - set(there[-_last_page(there) :])
                missed += len(expected - set(seen))
                twice += sum(count > 1 for count in seen.values())
            pages += walked + walked_back
            broken += walked == 0
            counts.append((float(number), float(len(set(there) & wanted))))
    return Outcome(
        metrics={
            "missed": float(missed),
            "met_twice": float(twice),
            "walks_that_broke": float(broken),
            "walks": float(2 * len(orders)),
            "pages": float(pages),
            "records": float(len(wanted)),
        },
        series=[Series(name="records met by each walk", x="walk", y="records", points=counts)],
    )


def _last_page(there: Sequence[str]) -> int:
    return len(there) % _SIZE or _SIZE


def _walk(
    probe: Probe, told: shelf.Shelf, order: str, *, start: str = "", key: str = "next", share: float
) -> tuple[list[str], str, int]:
    """Return the ids met, the address from which one can walk back, and the number of pages."""
    met: list[str] = []
    address, before, pages = start, "", 0
    if key == "previous" and not start:
        return met, "", 0
    while True:
        probe.progress(0.3 + 0.7 * share, f"walking by {order}")
        reply = told.page(address, **({} if address else {"limit": _SIZE, "ordering": order}))
        if not reply.ok:
            return met, before, pages
        pages += 1
        rows = [row["id"] for row in reply.body["results"]]
        met += rows if key == "next" else reversed(rows)
        before = reply.body["previous"] or before
        if not reply.body[key]:
            return met, before, pages
        address = reply.body[key]


class _Writers:
    """Creates records between those of the walk and deletes them again, all the while."""

    def __init__(self, url: str, token: str) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(url, token), daemon=True)

    def __enter__(self) -> _Writers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(60)

    def _run(self, url: str, token: str) -> None:
        number = 0
        with Door(url, token) as door:
            while not self._over.wait(0.01):
                body = {"kind": "note", "title": f"harvest {number % 500}", "text": "between", "success_rate": 0.5}
                made = door.post(shelf.RECORDS, body)
                if made.ok and number % 2:
                    door.call("DELETE", f"{shelf.RECORDS}/{made.body['id']}")
                number += 1


def _without_ties(columns: Sequence[Column], keys: Sequence[Key], inclusive: bool) -> list[keyset.Clause]:
    return keyset._strictly_after(columns[0], keys[0]) or [("false", [])]


@contextmanager
def sabotage() -> Iterator[None]:
    with replaced(keyset, "_after", _without_ties):
        yield


WALKS = register(
    Verification(
        name="archive.walks",
        title="Walks through all pages miss nothing and meet nothing twice, whoever writes meanwhile",
        rows=("2.2.4", "2.2.5"),
        parameters={
            Load.LOW: {"records": 2_000, "orders": 2},
            Load.MID: {"records": 6_000, "orders": 5},
            Load.HIGH: {"records": 20_000, "orders": 5},
        },
        thresholds=(
            Threshold(metric="missed", sign="<=", limit=0),
            Threshold(metric="met_twice", sign="<=", limit=0),
            Threshold(metric="walks_that_broke", sign="<=", limit=0),
        ),
        run=run,
        sabotage=sabotage,
        fault="pages that begin after a moment instead of after a row: ties are lost",
    )
)
