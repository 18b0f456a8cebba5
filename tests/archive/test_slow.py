from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from archive.conf import conf
from archive.database import fetch
from archive.deadlines import Deadline
from archive.metrics import timed
from archive.models import SlowQuery
from archive.slow import advice, book, capture, fingerprint, histogram, plans, tree
from tests.archive.scenario import records

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def attentive(monkeypatch: Any) -> Iterator[None]:
    """Everything is slow and written down at once."""
    monkeypatch.setattr(conf, "slow_after", 1e-9)
    monkeypatch.setattr(conf, "slow_write_every", 0)
    capture.attach(connection)
    capture.drain()
    yield
    capture.drain()


def rows() -> list[SlowQuery]:
    capture.flush()
    return list(SlowQuery.objects.all())


def test_a_slow_statement_is_written_down_with_its_route_and_without_its_values(ada: Any) -> None:
    capture.drain()
    for secret in ("hunter2", "letmein"):
        with timed("list"):
            fetch(
                "SELECT id FROM archive_record WHERE title = %s AND owner_id = %s AND kind = 'typed in'",
                [secret, ada.pk],
                deadline=Deadline.within(5),
            )
    (found,) = rows()
    assert (found.route, found.count, found.timeouts) == ("list", 2, 0)
    assert found.statement == "SELECT id FROM archive_record WHERE title = $1 AND owner_id = $2 AND kind = $3"
    assert found.parameter_types == ["str", "UUID"]
    assert found.total_ms >= found.max_ms > 0 and sum(found.histogram) == 2
    stored = str(SlowQuery.objects.values().get())
    assert not any(word in stored for word in ("hunter2", "letmein", "typed in", str(ada.pk)))


def test_processes_add_up_in_one_row(ada: Any) -> None:
    capture.drain()
    for _ in range(3):
        with timed("stats"):
            fetch("SELECT count(*) FROM archive_record")
        capture.flush()
    assert [(row.count, sum(row.histogram)) for row in rows()] == [(3, 3)]


def test_a_statement_that_timed_out_is_counted_as_such(monkeypatch: Any) -> None:
    monkeypatch.setattr(conf, "slow_after", 60)  # that it timed out is enough
    capture.drain()
    with pytest.raises(OperationalError), transaction.atomic(), timed("search_text"):
        fetch("SELECT pg_sleep(5)", deadline=Deadline.within(0.2))
    (found,) = rows()
    assert (found.route, found.timeouts, found.statement) == ("search_text", 1, "SELECT pg_sleep(5)")


def test_what_is_fast_is_not_kept(monkeypatch: Any) -> None:
    monkeypatch.setattr(conf, "slow_after", 60)
    fetch("SELECT 1")
    assert rows() == []


def test_the_table_and_the_memory_are_bounded(monkeypatch: Any) -> None:
    monkeypatch.setattr(capture, "_MOST", 5)
    monkeypatch.setattr(book, "_MOST", 3)
    capture.drain()
    for number in range(20):
        fetch(f"SELECT {number}")
    assert len(capture._seen) == 5
    assert len(rows()) == 3


def test_a_slow_statement_gets_a_plan_and_the_index_that_would_help(ada: Any) -> None:
    records(ada.pk, 5_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE archive_record")
    capture.drain()
    fetch("SELECT id FROM archive_record WHERE version = %s ORDER BY updated_at LIMIT 5", [7])
    rows()
    assert book.explain_new() >= 1
    found = SlowQuery.objects.get(statement__contains="version = $1")
    assert found.plan is not None and "Seq Scan" in {node["Node Type"] for _, node in plans.nodes(found.plan)}
    assert found.suggestion == "CREATE INDEX CONCURRENTLY ON archive_record USING btree (version, updated_at);"
    # Taken at its word, the index is used.
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(found.suggestion.replace(" CONCURRENTLY", ""))
        cursor.execute("ANALYZE archive_record")
    assert "Seq Scan" not in {node["Node Type"] for _, node in plans.nodes(plans.generic(found.statement) or {})}


def test_a_plan_is_taken_without_running_anything(ada: Any) -> None:
    made = records(ada.pk, 3)
    assert plans.generic("DELETE FROM archive_record WHERE owner_id = $1") is not None
    assert plans.generic("SELECT 1; DELETE FROM archive_record") is None
    assert plans.generic("REFRESH MATERIALIZED VIEW archive_stats") is None
    assert type(made[0]).objects.count() == 3


def test_a_measured_plan_cannot_write(ada: Any) -> None:
    made = records(ada.pk, 3)
    with pytest.raises(Exception, match="read-only"), transaction.atomic():
        plans.measured("DELETE FROM archive_record", [], timeout=1)
    assert type(made[0]).objects.count() == 3


def test_an_index_that_exists_is_not_suggested() -> None:
    plan = {"Node Type": "Seq Scan", "Relation Name": "t", "Filter": "(kind = $1)", "Total Cost": 1e6}
    assert advice.index_for(plan, {"t": []}) == "CREATE INDEX CONCURRENTLY ON t USING btree (kind);"
    assert advice.index_for(plan, {"t": ["CREATE INDEX a ON public.t USING btree (kind, id)"]}) == ""
    assert advice.index_for({**plan, "Total Cost": 10}, {"t": []}) == ""
    assert "gin (tags)" in advice.index_for({**plan, "Filter": "(tags @> $1)"}, {"t": []})


def test_lists_of_any_length_are_one_statement() -> None:
    texts = [f"SELECT 1 WHERE id IN ({', '.join(['%s'] * count)})" for count in (4, 5, 90)]
    assert len({fingerprint.fingerprint(fingerprint.statement(text)) for text in texts}) == 1


@given(words=st.text(alphabet="abc'ş %$1;", max_size=30))
def test_no_literal_survives(words: str) -> None:
    literal = words.replace("'", "''").replace("%", "%%")
    assert fingerprint.statement(f"SELECT 1 WHERE a = '{literal}' AND b = %s") == "SELECT 1 WHERE a = $1 AND b = $2"


@given(times=st.lists(st.floats(min_value=0, max_value=500_000), min_size=1, max_size=200))
def test_the_histogram_says_where_the_95th_lies(times: list[float]) -> None:
    counts = [0] * histogram.BUCKETS
    for time in times:
        counts[histogram.bucket(time)] += 1
    exact = sorted(times)[max(0, -(-len(times) * 95 // 100) - 1)]
    assert exact <= histogram.quantile(counts, 0.95) <= max(1, exact * 2)


def test_a_plan_reads_as_a_tree(ada: Any) -> None:
    records(ada.pk, 50)
    plan, _ = plans.measured("SELECT kind, count(*) FROM archive_record GROUP BY kind ORDER BY 2", [], timeout=5)
    found = tree.rows(plan)
    assert [row.depth for row in found] == sorted(row.depth for row in found)
    assert found[-1].title.endswith("on archive_record")
    assert sum(row.own_buffers or 0 for row in found) == plans.buffers(plan)
    assert "archive_record" in tree.text(plan)
