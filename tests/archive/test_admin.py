from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from archive import services
from archive.models import AuditEntry, Record
from archive.overview import overview
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
        assert console.get(address).status_code == 302
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["record_unhold", "record_hold"]


def test_the_audit_trail_is_readable(console: Client, ada: Any) -> None:
    record = records(ada.pk, 1)[0]
    services.record_delete(record_id=record.pk, owner_id=ada.pk)
    page = console.get(reverse("admin:archive_auditentry_changelist"), {"q": str(record.pk)})
    assert "record_delete" in page.content.decode()


def test_the_overview_says_how_much_there_is(ada: Any) -> None:
    records(ada.pk, 7)
    assert overview().headline.value == "7"
