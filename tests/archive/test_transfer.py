from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from altlas.kernel.ids import uuid7
from archive import bulk, export
from archive.conf import conf
from archive.export import Export, Format
from archive.filters import RecordFilters
from archive.models import AuditEntry, Record
from tests.archive.scenario import records

pytestmark = pytest.mark.django_db(transaction=True)
EXPORT, BULK = "/api/v1/archive/export", "/api/v1/archive/bulk"


def body(answer: Any) -> str:
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content).decode()


def row(**members: Any) -> dict[str, Any]:
    return {"kind": "note", "text": "t", **members}


_HARD = 'tab\t "quotes" back\\slash \\n \x01\x02 line\r\nbreak, comma; ş İ 🙂 \u2028'


def test_an_export_is_one_line_for_every_record_as_it_is(client_of: Any, ada: Any, bob: Any) -> None:
    made = records(ada.pk, 300, text=_HARD, payload={"k": _HARD})
    records(bob.pk, 5)
    lines = [json.loads(line) for line in body(client_of(ada).get(EXPORT)).split("\n")[:-1]]
    assert [line["id"] for line in lines] == sorted(str(record.pk) for record in made)
    assert {line["text"] for line in lines} == {_HARD}
    assert {line["payload"]["k"] for line in lines} == {_HARD}


def test_a_csv_export_reads_back(client_of: Any, ada: Any) -> None:
    records(ada.pk, 3, text=_HARD, tags=["a,b", 'c"d'])
    found = list(csv.DictReader(io.StringIO(body(client_of(ada).get(EXPORT, {"as": "csv"})), newline="")))
    assert len(found) == 3
    assert found[0]["text"] == _HARD and json.loads(found[0]["tags"]) == ["a,b", 'c"d']


def test_an_export_takes_the_filters_of_lists(client_of: Any, ada: Any) -> None:
    made = records(ada.pk, 50)
    lines = body(client_of(ada).get(EXPORT, {"kind": "topic"})).splitlines()
    assert len(lines) == sum(record.kind == "topic" for record in made)
    assert client_of(ada, ["archive:read"]).get(EXPORT, {"owner": "*"}).status_code == 403


def test_only_a_few_exports_run_at_once_and_an_unread_one_gives_its_place_back(
    client_of: Any, ada: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(conf, "exports", 1)
    records(ada.pk, 5)
    client = client_of(ada)
    first = client.get(EXPORT)
    refused = client.get(EXPORT)
    assert refused.status_code == 503 and refused["Retry-After"]
    first.close()
    assert len(body(client.get(EXPORT)).splitlines()) == 5
    assert export.SLOTS._running == 0


def test_an_export_that_takes_too_long_is_ended(ada: Any, monkeypatch: Any) -> None:
    records(ada.pk, 5)
    monkeypatch.setattr(conf, "export_timeout", 0.05)
    monkeypatch.setattr(export, "_COLUMNS", export._COLUMNS + ", pg_sleep(0.2)")
    with pytest.raises(Exception, match="statement timeout"):
        list(Export(RecordFilters(owner_id=ada.pk), Format.NDJSON))
    assert export.SLOTS._running == 0


def test_every_row_of_a_bulk_write_has_an_outcome(client_of: Any, ada: Any, bob: Any) -> None:
    theirs = records(bob.pk, 1)[0].pk
    wanted = str(uuid7())
    rows = [
        row(id=wanted, title="one", tags=["x", "x "], payload={"a": [1]}, success_rate=1, language="tr"),
        row(id=wanted, title="the same id again"),
        row(kind="Bad Kind"),
        row(text="a\x00b"),
        row(id=str(theirs)),
        "not an object",
        row(success_rate=True),
        {"text": "no kind"},
    ]
    answer = client_of(ada).post(BULK, {"records": rows})
    assert answer.status_code == 200
    found = answer.json()
    outcomes = [result["outcome"] for result in found["results"]]
    assert outcomes == ["created", "exists", *["refused"] * 6]
    assert found["counts"] == {"created": 1, "exists": 1, "refused": 6}
    assert [result["errors"][0]["pointer"] for result in found["results"][2:]] == [
        "/kind", "/text", "/id", "", "/success_rate", "/kind",
    ]  # fmt: skip
    record = Record.objects.get(owner=ada)
    assert (record.tags, record.payload, record.success_rate, record.language) == (["x"], {"a": [1]}, 1.0, "tr")
    assert AuditEntry.objects.get(action="bulk_import").detail == {"created": 1}


def test_all_or_nothing_is_nothing_when_a_row_is_bad(client_of: Any, ada: Any, bob: Any) -> None:
    theirs = records(bob.pk, 1)[0].pk
    for bad, pointer in ((row(kind="Bad Kind"), "/records/1/kind"), (row(id=str(theirs)), "/records/1/id")):
        answer = client_of(ada).post(BULK, {"records": [row(), bad], "atomic": True})
        assert (answer.status_code, answer.json()["code"]) == (422, "bulk_refused")
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert not Record.objects.filter(owner=ada).exists()


def test_a_bulk_write_can_be_sent_again(client_of: Any, ada: Any) -> None:
    rows = [row(id=str(uuid7())) for _ in range(10)]
    client = client_of(ada)
    client.post(BULK, {"records": rows[:6]})
    counts = client.post(BULK, {"records": rows}).json()["counts"]
    assert counts == {"created": 4, "exists": 6, "refused": 0}
    again = [client.post(BULK, {"records": [row()]}, headers={"Idempotency-Key": "b"}) for _ in range(2)]
    assert again[0].content == again[1].content and again[1]["Idempotency-Replayed"] == "true"
    assert Record.objects.count() == 11


@pytest.mark.parametrize(
    "data", [{}, [], {"records": []}, {"records": "x"}, {"records": [{}] * 5001}, {"records": [{}], "atomic": "yes"}]
)
def test_a_malformed_batch_is_refused(client_of: Any, ada: Any, data: Any) -> None:
    assert client_of(ada).post(BULK, data).status_code == 400


def test_what_was_exported_can_be_imported(ada: Any, bob: Any) -> None:
    made = records(ada.pk, 20, text=_HARD)
    lines = b"".join(Export(RecordFilters(owner_id=ada.pk), Format.NDJSON)).splitlines()
    Record.objects.all().delete()
    results = bulk.records_import(owner_id=bob.pk, rows=[json.loads(line) for line in lines], keep_times=True)
    assert {result.outcome for result in results} == {bulk.Outcome.CREATED}
    back = {record.pk: record for record in Record.objects.filter(owner=bob)}
    for record in made:
        same = back[record.pk]
        assert (same.text, same.created_at, same.status) == (record.text, record.created_at, record.status)
