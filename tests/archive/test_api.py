from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from archive.models import AuditEntry, Record
from tests.archive.scenario import records

pytestmark = pytest.mark.django_db
RECORDS = "/api/v1/archive/records"


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    return body


def test_a_record_is_written_read_changed_deleted_and_restored(client_of: Any, ada: Any) -> None:
    client = client_of(ada)
    made = client.post(
        RECORDS, {"kind": "note", "title": "T", "text": "body ", "payload": {"a": [1, "ş"]}, "tags": ["x"]}
    )
    assert made.status_code == 201
    record = made.json()
    assert made["Location"] == f"{RECORDS}/{record['id']}"
    assert (record["text"], record["payload"], record["version"]) == ("body ", {"a": [1, "ş"]}, 1)
    assert client.get(made["Location"]).json() == record
    changed = client.patch(made["Location"], {"title": "U"}).json()
    assert (changed["title"], changed["version"], changed["text"]) == ("U", 2, "body ")
    assert client.delete(made["Location"]).status_code == 204
    problem(client.get(made["Location"]), 404, "record_not_found")
    assert client.get(RECORDS).json()["results"] == []
    assert [row["id"] for row in client.get(RECORDS, {"deleted": "true"}).json()["results"]] == [record["id"]]
    assert client.post(f"{made['Location']}/restore").status_code == 200
    assert client.get(made["Location"]).json()["text"] == "body "
    actions = AuditEntry.objects.filter(record_id=record["id"]).order_by("id").values_list("action", "actor_id")
    assert list(actions) == [(f"record_{verb}", ada.pk) for verb in ("create", "update", "delete", "restore")]


def test_the_links_of_pages_lead_through_the_list_and_back(client_of: Any, ada: Any) -> None:
    records(ada.pk, 25, ties=10)
    client = client_of(ada)
    pages = [client.get(RECORDS, {"limit": 10, "kind": ["chunk", "topic", "sentence", "command"]}).json()]
    while pages[-1]["next"]:
        pages.append(client.get(pages[-1]["next"]).json())
    assert [len(page["results"]) for page in pages] == [10, 10, 5]
    assert pages[0]["previous"] is None
    assert client.get(pages[2]["previous"]).json()["results"] == pages[1]["results"]
    assert "text" not in pages[0]["results"][0] and "payload" not in pages[0]["results"][0]


def test_the_link_header_says_the_same_as_the_body(client_of: Any, ada: Any) -> None:
    records(ada.pk, 9)
    client = client_of(ada)
    second = client.get(client.get(RECORDS, {"limit": 3, "ordering": "title"}).json()["next"])
    links = dict(reversed(part.split("; rel=")) for part in second["Link"].split(", "))
    assert links['"next"'] == f"<{second.json()['next']}>"
    assert links['"prev"'] == f"<{second.json()['previous']}>"
    assert parse_qs(urlsplit(links['"first"'].strip("<>")).query) == {"limit": ["3"], "ordering": ["title"]}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"cursor": "x"}, "invalid_cursor"),
        ({"cursor": "ş" * 50}, "invalid_cursor"),
        ({"limit": "0"}, "invalid_query"),
        ({"limit": "201"}, "invalid_query"),
        ({"limit": "１"}, "invalid_query"),
        ({"limit": "9" * 4000}, "invalid_query"),
        ({"ordering": "payload"}, "invalid_query"),
        ({"created_from": "yesterday"}, "invalid_query"),
        ({"created_from": "2026-01-01"}, "invalid_query"),
        ({"created_from": "2026-13-01T00:00:00Z"}, "invalid_query"),
        ({"success_min": "nan"}, "invalid_query"),
        ({"contains": "[1]"}, "invalid_query"),
        ({"contains": '{"a":"\\u0000"}'}, "invalid_query"),
        ({"contains": "[" * 4000}, "invalid_query"),
        ({"owner": "someone"}, "invalid_query"),
        ({"source_run_id": "1"}, "invalid_query"),
        ({"kinds": "chunk"}, "invalid_query"),
        ({"kind": "a\x00b"}, "invalid_query"),
        ({"q": "a\x00b"}, "invalid_query"),
    ],
)
def test_a_bad_query_parameter_is_named(client_of: Any, ada: Any, query: dict[str, str], code: str) -> None:
    problem(client_of(ada).get(RECORDS, query), 400, code)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"kind":"note","text":"a\\u0000b"}', "/text"),
        (b'{"kind":"note","title":"\\ud800"}', "/title"),
        (b'{"kind":"note","tags":["ok","\\udc00"]}', "/tags/1"),
        (b'{"kind":"note","payload":{"deep":[{"k":"\\u0000"}]}}', "/payload/deep/0/k"),
        (b'{"kind":"note","payload":{"\\ud800":1}}', "/payload"),
        (b'{"kind":"no\\u0000te"}', "/kind"),
        (b'{"kind":"note","language":"\\ud800"}', "/language"),
        (b'{"kind":"note","success_rate":7}', "/success_rate"),
        (b'{"kind":"note","status":"lost"}', "/status"),
        (b"{}", "/kind"),
    ],
)
def test_a_body_that_cannot_be_stored_is_refused_by_member(client_of: Any, ada: Any, body: bytes, pointer: str) -> None:
    answer = (
        problem(client_of(ada).post(RECORDS, data=body, content_type="application/json"), 400, "invalid_input")
        if (pointer != "/payload/deep/0/k" and not pointer.startswith("/payload"))
        else client_of(ada).post(RECORDS, data=body, content_type="application/json").json()
    )
    assert answer["status"] == 400
    assert pointer in [error["pointer"] for error in answer["errors"]]


def test_a_record_of_another_owner_does_not_exist(client_of: Any, ada: Any, bob: Any) -> None:
    theirs = records(bob.pk, 1, status="active")[0]
    client = client_of(ada, ["archive:read", "archive:write"])
    address = f"{RECORDS}/{theirs.pk}"
    for answer in (
        client.get(address),
        client.patch(address, {"title": "mine"}),
        client.delete(address),
        client.post(f"{address}/restore"),
    ):
        problem(answer, 404, "record_not_found")
    assert client.get(RECORDS).json()["results"] == []
    problem(client.get(RECORDS, {"owner": str(bob.pk)}), 403, "permission_denied")
    problem(client.get(RECORDS, {"owner": "*"}), 403, "permission_denied")


def test_the_scope_for_all_reaches_every_record(client_of: Any, ada: Any, bob: Any) -> None:
    theirs = records(bob.pk, 3)[0]
    client = client_of(ada, ["archive:read", "archive:all"])
    assert len(client.get(RECORDS, {"owner": "*"}).json()["results"]) == 3
    assert len(client.get(RECORDS, {"owner": str(bob.pk)}).json()["results"]) == 3
    assert client.get(f"{RECORDS}/{theirs.pk}").status_code == 200
    problem(client.patch(f"{RECORDS}/{theirs.pk}", {"title": "x"}), 403, "permission_denied")


def test_another_owners_cursor_is_refused(client_of: Any, ada: Any, bob: Any) -> None:
    records(ada.pk, 5)
    records(bob.pk, 5)
    following = client_of(bob).get(RECORDS, {"limit": 2}).json()["next"]
    problem(client_of(ada).get(following), 400, "invalid_cursor")


def test_every_door_asks_for_its_scope(client_of: Any, ada: Any) -> None:
    reader, writer = client_of(ada, ["archive:read"]), client_of(ada, ["archive:write"])
    for address in (RECORDS, "/api/v1/archive/search?q=a", "/api/v1/archive/stats"):
        assert reader.get(address).status_code == 200
        problem(writer.get(address), 403, "permission_denied")
    problem(reader.post(RECORDS, {"kind": "note"}), 403, "permission_denied")
    client = client_of(ada)
    client.credentials()
    problem(client.get(RECORDS), 401, "not_authenticated")


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"kind": ["topic", "chunk"]}, lambda record: record.kind in {"topic", "chunk"}),
        ({"status": "draft"}, lambda record: record.status == "draft"),
        ({"language": "tr"}, lambda record: record.language == "tr"),
        ({"tag": ["a", "b"]}, lambda record: {"a", "b"} <= set(record.tags)),
        ({"tag_any": ["a", "b"]}, lambda record: {"a", "b"} & set(record.tags)),
        ({"success_min": "0.5", "success_max": "0.75"}, lambda record: record.success_rate in (0.5, 0.75)),
        ({"contains": '{"number": 7}'}, lambda record: record.payload == {"number": 7}),
        ({"q": '"number 7"'}, lambda record: record.payload == {"number": 7}),
        ({"created_before": "2026-11-01T12:00:00.000003Z"}, lambda record: record.created_at.microsecond < 3),
        ({"created_from": "2026-11-01T15:00:00.000003+03:00"}, lambda record: record.created_at.microsecond >= 3),
    ],
)
def test_filters_narrow_the_list(client_of: Any, ada: Any, query: dict[str, Any], wanted: Any) -> None:
    made = records(ada.pk, 100, ties=10)
    found = client_of(ada).get(RECORDS, {**query, "limit": 200}).json()["results"]
    assert {row["id"] for row in found} == {str(record.pk) for record in made if wanted(record)}
    assert found


def test_a_list_costs_the_same_queries_for_any_number_of_rows(client_of: Any, ada: Any) -> None:
    client = client_of(ada)
    client.get(RECORDS)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            client.get(RECORDS, {"limit": 200})
        counts.append(len([query for query in queries if "archive_" in query["sql"]]))
        records(ada.pk, 150)
    assert counts == [1, 1]


def test_a_status_change_that_is_not_allowed_is_a_conflict(client_of: Any, ada: Any) -> None:
    record = records(ada.pk, 1, status="superseded")[0]
    problem(client_of(ada).patch(f"{RECORDS}/{record.pk}", {"status": "active"}), 409, "transition_not_allowed")
    assert Record.objects.get().status == "superseded"


def test_stats_count_what_there_is(client_of: Any, ada: Any, bob: Any) -> None:
    made = records(ada.pk, 60)
    records(bob.pk, 5)
    found = client_of(ada).get("/api/v1/archive/stats").json()
    assert found["total"] == 60 == sum(found["by_status"].values()) == sum(found["by_kind"].values())
    assert found["by_tag"]["a"] == sum("a" in record.tags for record in made)
    assert found["as_of"]


def test_words_in_a_link_are_escaped(client_of: Any, ada: Any) -> None:
    records(ada.pk, 5, text='say "hi" & <b>')
    client = client_of(ada)
    first = client.get(RECORDS, {"limit": 2, "q": '"hi"', "tag_any": ["a", "b", "c", "d"]})
    assert quote('"hi"') in first.json()["next"]
    assert len(client.get(first.json()["next"]).json()["results"]) == 2
