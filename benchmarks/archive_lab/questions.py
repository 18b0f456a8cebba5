"""What is measured, one function a question; each returns plain JSON for the stored result."""

from __future__ import annotations

import json
import resource
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection

from altlas.kernel.clock import now
from altlas.kernel.ids import uuid7
from archive import aggregates, bulk, orderings, selectors
from archive.conf import conf
from archive.database import fetch
from archive.export import Export, Format
from archive.filters import RecordFilters
from archive.models import Record
from archive.slow import capture, own, plans
from benchmarks.archive_lab import naive, peers, product
from benchmarks.archive_lab.measure import interleaved, quantile, summary, while_running

Json = dict[str, Any]


def connected() -> Any:
    options = dict(connection.get_connection_params())
    options.pop("cursor_factory", None)
    return psycopg.connect(**options, autocommit=True)


def _cached(call: Callable[[], bytes], enabled: bool) -> Callable[[], bytes]:
    def run() -> bytes:
        conf.cache_enabled = enabled
        return call()

    return run


def pages_of_product(owner: UUID, bare: Any) -> dict[str, Callable[[], Any]]:
    """Calls for the first page and one at 90 %, by the product and by raw psycopg over ``bare``."""
    key = own._key_at(orderings.OF_OWNER["-created_at"], RecordFilters(owner_id=owner), 0.9)
    cursor = product.cursor_at(owner, "-created_at", 0.9)
    conf.cache_ttl = 3600
    return {
        "raw psycopg, first": peers.raw(bare, owner),
        "raw psycopg, 90 %": peers.raw(bare, owner, key),
        "product, first": _cached(product.call("records", owner), False),
        "product, 90 %": _cached(product.call("records", owner, cursor=cursor), False),
        "product cached, first": _cached(product.call("records", owner), True),
    }


def pages(owner: UUID, rounds: int) -> Json:
    """The first page and one at 90 %, by the product and by everybody else, in turns."""
    living = RecordFilters(owner_id=owner)
    key = own._key_at(orderings.OF_OWNER["-created_at"], living, 0.9)
    where, values = living.clause()
    deep = int(fetch(f"SELECT count(*) FROM archive_record WHERE {where}", values)[0][0] * 0.9)
    with connected() as bare:
        calls = {
            **pages_of_product(owner, bare),
            "DRF CursorPagination, first": peers.drf(peers.CursorList, owner=owner),
            "DRF CursorPagination, 90 %": peers.drf(peers.CursorList, owner=owner, cursor=peers.drf_cursor_at(key[0])),
            "django-ninja cursor, first": peers.ninja(owner=owner),
            "django-ninja cursor, 90 %": peers.ninja(owner=owner, cursor=peers.ninja_cursor_at(key[0])),
            "DRF LimitOffset, first": peers.drf(peers.OffsetList, owner=owner),
            "DRF LimitOffset, 90 %": peers.drf(peers.OffsetList, owner=owner, offset=deep),
            "naive, first": peers.drf(naive.List, owner=owner),
            "naive, 90 %": peers.drf(naive.List, owner=owner, offset=deep),
        }
        found = {name: summary(times) for name, times in interleaved(calls, rounds=rounds).items()}
    conf.cache_enabled = False
    return found


def buffers(owner: UUID) -> list[Json]:
    return [
        {"name": taken.name, "ms": taken.milliseconds, "buffers": taken.buffers, "rows": taken.rows, "plan": taken.plan}
        for taken in own.take(owner, words="the")
    ]


def naive_plans(owner: UUID) -> list[Json]:
    from benchmarks.archive_lab.tables import NaiveRecord

    found = NaiveRecord.objects.filter(owner_id=owner, deleted_at=None)
    offset = int(found.count() * 0.9)
    queries = {
        "page": found.order_by("-created_at")[:50],
        "page at 90 %": found.order_by("-created_at")[offset : offset + 50],
        "text": found.filter(text__icontains="komite").order_by("-created_at")[:50],
        "by kind": found.values("kind"),
    }
    rows = []
    for name, query in queries.items():
        sql, parameters = query.query.sql_with_params()
        plan, ms = plans.measured(sql, parameters, timeout=300)
        rows.append({"name": name, "ms": ms, "buffers": plans.buffers(plan), "rows": plan["Actual Rows"], "plan": plan})
    return rows


def searches(owner: UUID, rounds: int) -> Json:
    conf.cache_enabled = False
    vector = [0.1 * (index % 7) - 0.3 for index in range(384)]
    from archive import embedding

    embedding.set_query_embedder(lambda text: vector)
    calls = {
        "product, rare words": product.call("search", owner, q="zincir"),
        "product, common word": product.call("search", owner, q="the"),
        "product, semantic": product.call("search", owner, q="the", mode="semantic"),
        "product, hybrid": product.call("search", owner, q="the", mode="hybrid"),
        "naive, icontains": peers.drf(naive.List, owner=owner, q="zincir"),
    }
    return {name: summary(times) for name, times in interleaved(calls, rounds=rounds).items()}


def statistics(owner: UUID, rounds: int) -> Json:
    conf.cache_enabled = False
    aggregates.refresh(force=True)
    calls = {
        "product, from the view": product.call("stats", owner),
        "naive, live": peers.drf(naive.Stats, owner=owner),
    }
    found: Json = {name: summary(times) for name, times in interleaved(calls, rounds=rounds).items()}

    def work() -> None:
        try:
            aggregates.refresh(force=True)
        finally:
            connection.close()

    seconds, times = while_running(work, lambda: selectors.stats(owner_id=owner))
    found["refresh"] = {"seconds": seconds, "worst_reader_ms": max(times) * 1000, "reads": len(times),
                        "reader_p95_ms": quantile(times, 0.95) * 1000}  # fmt: skip
    return found


def ingest(owner: UUID, batches: int = 8) -> Json:
    """Rows a second into the table with all its indexes; validated one by one, and the database's share of it."""
    conf.write_timeout = 60
    text = "Kurul kararı bir sonraki oturuma bıraktı. The committee postponed its decision. " * 6
    spent = 0.0

    def clocked(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        nonlocal spent
        begun = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            if "INSERT INTO archive_record" in str(sql):
                spent += time.perf_counter() - begun

    results = {}
    for name, body in (("with texts of 480 characters", text), ("without text", "")):
        made: list[str] = []
        spent = 0.0
        begun = time.perf_counter()
        with connection.execute_wrapper(clocked):
            for _ in range(batches):
                rows = [
                    {"id": str(uuid7()), "kind": "note", "title": "t", "text": body, "language": "tr", "tags": ["a"]}
                    for _ in range(bulk.MAXIMUM)
                ]
                made += [row["id"] for row in rows]
                bulk.records_import(owner_id=owner, rows=rows)
        seconds = time.perf_counter() - begun
        total = batches * bulk.MAXIMUM
        results[name] = {
            "rows_per_second": total / seconds,
            "database_rows_per_second": total / spent,
            "copy_rows_per_second": _copied(owner, body, total),
        }
        Record.objects.filter(pk__in=made).delete()
    return results


def _copied(owner: UUID, body: str, total: int) -> float:
    """COPY as many rows like these into the same table with its indexes: the least that the database needs for them."""
    moment = now()
    names = ("id", "owner_id", "kind", "status", "title", "text", "payload", "tags", "language", "on_hold", "version",
             "created_at", "updated_at")  # fmt: skip
    keys = [uuid7() for _ in range(total)]
    rest = (owner, "note", "active", "t", body, "{}", ["a"], "tr", False, 1, moment, moment)
    spent = 0.0
    with connected() as own:
        for at in range(0, total, bulk.MAXIMUM):
            begun = time.perf_counter()
            with own.cursor() as cursor, cursor.copy(f"COPY archive_record ({', '.join(names)}) FROM STDIN") as copy:
                for key in keys[at : at + bulk.MAXIMUM]:
                    copy.write_row((key, *rest))
            spent += time.perf_counter() - begun
    Record.objects.filter(pk__in=keys).delete()
    return total / spent


def export(owner: UUID | None) -> Json:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    lines = size = 0
    for block in Export(RecordFilters(owner_id=owner), Format.NDJSON):
        lines += block.count(b"\n")
        size += len(block)
    seconds = time.perf_counter() - begun
    grew = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {
        "rows": lines,
        "rows_per_second": lines / seconds,
        "megabytes_per_second": size / seconds / 2**20,
        "memory_grew_megabytes": grew,
        "alone": _alone(owner),
    }


def _alone(owner: UUID | None) -> dict[str, float]:
    """The same statement with the database writing to /dev/null, with and without text and payload, rows a second."""
    from archive import export as product_export

    found = {}
    with product_export._connection() as own:
        sql, values = product_export._statement(own, RecordFilters(owner_id=owner), Format.NDJSON)
        for name, statement in (("whole", sql), ("without text and payload", sql.replace(", text, payload", ""))):
            begun = time.perf_counter()
            with own.cursor() as cursor:
                cursor.execute(statement.replace("TO STDOUT", "TO '/dev/null'"), values)
                found[name] = cursor.rowcount / (time.perf_counter() - begun)
    return found


def capture_overhead(owner: UUID, rounds: int) -> Json:
    """The same page with and without the watch on its statements, in turns."""
    conf.cache_enabled = False
    call = product.call("records", owner)

    def without() -> bytes:
        connection.execute_wrappers[:] = []
        return call()

    def watched() -> bytes:
        connection.execute_wrappers[:] = [capture.watch]
        return call()

    times = interleaved({"without": without, "with": watched}, rounds=rounds)
    found: Json = {name: summary(values) for name, values in times.items()}
    found["ratio_p50"] = found["with"]["p50_ms"] / found["without"]["p50_ms"]
    begun = time.perf_counter()
    for _ in range(100_000):
        capture.watch(lambda *_: None, "", None, False, None)
    found["microseconds_per_statement"] = (time.perf_counter() - begun) * 10
    return found


def hit_rate(owner: UUID, seconds: float) -> Json:
    """Readers of a few pages and a writer now and then: how many answers come from the cache."""
    from archive import services
    from archive.metrics import CACHE_READS

    conf.cache_enabled, conf.cache_ttl = True, 30
    calls = [product.call("records", owner, ordering=name) for name in ("-created_at", "title", "-updated_at")]
    stop = threading.Event()

    def read() -> None:
        try:
            while not stop.is_set():
                for call in calls:
                    call()
        finally:
            connection.close()

    def counted() -> dict[str, float]:
        names = ("hit", "wait", "early", "miss", "bypass")
        return {name: CACHE_READS.labels("list", name)._value.get() for name in names}

    before = counted()
    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    end = time.monotonic() + seconds
    made = []
    while time.monotonic() < end:
        made.append(services.record_create(owner_id=owner, kind="note", title="w", text="", payload={}).pk)
        time.sleep(0.5)
    stop.set()
    for reader in readers:
        reader.join()
    Record.objects.filter(pk__in=made).delete()
    conf.cache_enabled = False
    after = {name: value - before[name] for name, value in counted().items()}
    return {
        "outcomes": after,
        "hit_rate": (after["hit"] + after["wait"]) / max(1, sum(after.values())),
        "writes": len(made),
    }


def as_json(found: Json) -> str:
    return json.dumps(found, indent=1, default=str)
