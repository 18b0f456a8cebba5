from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from altlas.kernel.clock import now
from archive import services
from archive.models import AuditEntry, Record, RetentionRule, SlowQuery
from archive.overview import overview
from archive.slow import own
from authgateway.testing import make_user
from tests.archive.scenario import records

pytestmark = pytest.mark.django_db
LIST = "admin:archive_record_changelist"


@pytest.fixture
def operator(db: None) -> Any:
    return make_user(username="operator", superuser=True, password=None)


@pytest.fixture
def console(operator: Any) -> Client:
    client = Client()
    client.force_login(operator)
    return client


def detail(record: Record) -> str:
    return reverse("admin:archive_record_change", args=[record.pk])


def test_the_list_shows_records_and_reads_no_large_column(console: Client, ada: Any) -> None:
    records(ada.pk, 5, title="Görünen")
    with CaptureQueriesContext(connection) as queries:
        page = console.get(reverse(LIST))
    assert page.status_code == 200 and "Görünen" in page.content.decode()
    reads = [query["sql"] for query in queries if 'FROM "archive_record"' in query["sql"]]
    assert reads and not any('"archive_record"."text"' in sql for sql in reads)


@pytest.mark.parametrize(
    "query", ["q=söz", "q=%00", "q=!%26|(", "deleted=yes", "deleted=no", "status=active", "kind=topic", "p=3"]
)
def test_searches_and_filters_answer(console: Client, ada: Any, query: str) -> None:
    records(ada.pk, 5)
    assert console.get(f"{reverse(LIST)}?{query}", follow=True).status_code == 200


def test_words_ids_and_owners_are_found(console: Client, ada: Any, bob: Any) -> None:
    wanted = records(ada.pk, 1, title="Aranan", text="IŞIKLARI", language="tr")[0]
    records(bob.pk, 1, title="Gizli")
    for term in ("ışık", str(wanted.pk), str(ada.pk)):
        page = console.get(reverse(LIST), {"q": term}).content.decode()
        assert "Aranan" in page and "Gizli" not in page


def test_a_record_is_shown_and_cannot_be_edited(console: Client, ada: Any) -> None:
    record = records(ada.pk, 1, text="<b>içerik</b>")[0]
    page = console.get(detail(record))
    assert page.status_code == 200 and "&lt;b&gt;içerik" in page.content.decode()
    assert console.post(detail(record), {"title": "x"}).status_code == 403
    assert console.get(reverse("admin:archive_record_add")).status_code == 403


def test_selected_records_are_deleted_and_restored_with_an_audit_trail(
    console: Client, operator: Any, ada: Any
) -> None:
    made = records(ada.pk, 3)
    services.record_hold(record_id=made[0].pk, on_hold=True, actor_id=operator.pk)
    selected = {"_selected_action": [str(record.pk) for record in made]}
    console.post(reverse(LIST), {"action": "delete_selected_records", **selected}, follow=True)
    assert Record.objects.alive().count() == 1
    console.post(reverse(LIST), {"action": "restore_selected_records", **selected}, follow=True)
    assert Record.objects.alive().count() == 3
    assert set(AuditEntry.objects.values_list("actor_id", flat=True)) == {operator.pk}


def test_verbs_of_a_record_call_the_services(console: Client, ada: Any) -> None:
    record = records(ada.pk, 1)[0]
    for verb in ("hold", "unhold", "restore"):
        address = reverse(f"admin:archive_record_{verb}", args=[record.pk])
        assert console.get(address).status_code == 200  # asks
        assert console.post(address, {"_form_submitted": "on"}).status_code == 302
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["record_unhold", "record_hold"]


def test_the_audit_trail_is_readable(console: Client, ada: Any) -> None:
    record = records(ada.pk, 1)[0]
    services.record_delete(record_id=record.pk, owner_id=ada.pk)
    page = console.get(reverse("admin:archive_auditentry_changelist"), {"q": str(record.pk)})
    assert "record_delete" in page.content.decode()


def test_the_overview_says_how_much_there_is(ada: Any) -> None:
    records(ada.pk, 7)
    assert overview().headline.value == "7"


def test_slow_statements_and_plans_are_shown_as_trees(console: Client, ada: Any) -> None:
    records(ada.pk, 50)
    with connection.cursor() as cursor:
        # Fifty rows are read by their index or from end to end, as the latest statistics of the table have it.
        cursor.execute("SET LOCAL enable_sort = off")
    (taken, *_) = own.take(ada.pk)
    page = console.get(reverse("admin:archive_queryplan_change", args=[taken.pk])).content.decode()
    assert "Index Scan by archive_created on archive_record" in page and "Index Cond:" in page
    assert taken.name in console.get(reverse("admin:archive_queryplan_changelist")).content.decode()
    slow = SlowQuery.objects.create(
        fingerprint="f", route="list", statement="SELECT <b>", count=3, total_ms=900, max_ms=500, first_seen=now(),
        last_seen=now(), histogram=[0] * 9 + [3], suggestion="CREATE INDEX x", plan=taken.plan, planned_at=now(),
    )  # fmt: skip
    page = console.get(reverse("admin:archive_slowquery_change", args=[slow.pk])).content.decode()
    assert "SELECT &lt;b&gt;" in page and "CREATE INDEX x" in page and "archive_created" in page
    assert "512" in console.get(reverse("admin:archive_slowquery_changelist")).content.decode()


def test_the_health_page_says_what_the_doctor_says(console: Client, ada: Any) -> None:
    page = console.get(reverse("admin:archive_health")).content.decode()
    for word in ("list", "web processes x", "buffer hits of tables", "archive_stats"):
        assert word in page
    stranger = make_user(username="eve", staff=True, password=None)
    other = Client()
    other.force_login(stranger)
    assert other.get(reverse("admin:archive_health")).status_code == 403


def test_a_retention_rule_shows_what_it_would_do(console: Client, ada: Any) -> None:
    records(ada.pk, 12, kind="chunk", created_at=now() - timedelta(days=9))
    console.post(reverse("admin:archive_retentionrule_add"), {"kind": "chunk", "days": 5})
    rule = RetentionRule.objects.get()
    page = console.post(
        reverse("admin:archive_retentionrule_changelist"),
        {"action": "dry_run", "_selected_action": [str(rule.pk)]},
        follow=True,
    )
    assert "12 records would be deleted" in page.content.decode() and Record.objects.count() == 12
