from __future__ import annotations

from typing import Any

import pytest

from archive import etags
from tests.archive.scenario import records
from tests.archive.threads import statuses, together

pytestmark = pytest.mark.django_db
RECORDS = "/api/v1/archive/records"


def made(client: Any) -> Any:
    return client.post(RECORDS, {"kind": "note", "text": "x"})


def test_an_unchanged_record_is_not_sent_again(client_of: Any, ada: Any) -> None:
    client = client_of(ada)
    record = made(client)
    known = {"If-None-Match": record["ETag"]}
    answer = client.get(record["Location"], headers=known)
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", record["ETag"])
    changed = client.patch(record["Location"], {"title": "new"})
    assert changed["ETag"] != record["ETag"]
    assert client.get(record["Location"], headers=known)["ETag"] == changed["ETag"]


def test_a_change_of_an_older_version_is_refused(client_of: Any, ada: Any) -> None:
    client = client_of(ada)
    record = made(client)
    client.patch(record["Location"], {"title": "new"})
    for verb, body in ((client.patch, {"title": "mine"}), (client.delete, None)):
        for stale in (record["ETag"], 'W/"v2"', '"something"', '"v99"'):
            answer = verb(record["Location"], body, headers={"If-Match": stale})
            assert (answer.status_code, answer.json()["code"]) == (412, "version_mismatch")
    for fresh in ("*", '"v1", "v3"'):
        assert client.patch(record["Location"], {"title": fresh}, headers={"If-Match": fresh}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_two_changes_of_one_version_one_wins(client_of: Any, ada: Any) -> None:
    record = made(client_of(ada))
    clients = [client_of(ada) for _ in range(4)]
    answers = together(
        *[
            lambda client=client, name=name: client.patch(
                record["Location"], {"title": f"t{name}"}, headers={"If-Match": record["ETag"]}
            )
            for name, client in enumerate(clients)
        ]
    )
    assert statuses(answers) == [200, 412, 412, 412]


@pytest.mark.parametrize(
    ("header", "tag", "matching"),
    [
        (None, '"v1"', False),
        ("*", '"v1"', True),
        ('"v1"', '"v1"', True),
        ('W/"v1"', '"v1"', True),
        ('"a,b", "v1"', '"v1"', True),
        ('"v11"', '"v1"', False),
        ("v1", '"v1"', False),
    ],
)
def test_entity_tags_compare_as_the_standard_says(header: str | None, tag: str, matching: bool) -> None:
    assert etags.matches(header, tag) is matching


@pytest.mark.parametrize(
    ("mode", "count"),
    [
        ("exact", {"value": 30, "relation": "eq"}),
        ("capped", {"value": 30, "relation": "eq"}),
    ],
)
def test_a_count_comes_on_request_and_says_how(client_of: Any, ada: Any, mode: str, count: Any) -> None:
    records(ada.pk, 30)
    client = client_of(ada)
    assert "count" not in client.get(RECORDS).json()
    assert client.get(RECORDS, {"count": mode, "limit": 5}).json()["count"] == count
    assert client.get(RECORDS, {"count": "planned"}).json()["count"]["relation"] == "approx"
    assert client.get(RECORDS, {"count": "guessed"}).status_code == 400
