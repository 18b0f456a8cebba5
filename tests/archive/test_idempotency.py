from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from altlas.kernel.clock import now
from archive.conf import conf
from archive.models import AuditEntry, IdempotencyKey, Record
from tests.archive.threads import statuses, together

RECORDS = "/api/v1/archive/records"
BODY = {"kind": "note", "title": "one", "text": "text", "payload": {"a": 1}}
pytestmark = pytest.mark.django_db


def post(client: Any, key: str, body: Any = BODY) -> Any:
    return client.post(RECORDS, body, headers={"Idempotency-Key": key})


def test_the_same_key_and_body_get_the_same_answer_once_written(client_of: Any, ada: Any) -> None:
    client = client_of(ada)
    first = post(client, "k-1")
    client.patch(first["Location"], {"title": "changed meanwhile"})
    again = post(client, "k-1", dict(reversed(BODY.items())))
    assert (again.status_code, again.content, again["Location"]) == (201, first.content, first["Location"])
    assert again["Idempotency-Replayed"] == "true" and "Idempotency-Replayed" not in first
    assert Record.objects.count() == 1
    assert AuditEntry.objects.filter(action="record_create").count() == 1


def test_the_same_key_with_another_body_is_refused(client_of: Any, ada: Any) -> None:
    client = client_of(ada)
    post(client, "k-1")
    refused = post(client, "k-1", {**BODY, "text": "another"})
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert Record.objects.count() == 1


def test_keys_of_two_owners_do_not_meet(client_of: Any, ada: Any, bob: Any) -> None:
    answers = [post(client_of(user), "k-1").json()["owner_id"] for user in (ada, bob)]
    assert answers == [str(ada.pk), str(bob.pk)]


def test_a_refused_write_leaves_the_key_free(client_of: Any, ada: Any) -> None:
    client = client_of(ada)
    assert post(client, "k-1", {**BODY, "kind": "Not A Kind"}).status_code == 400
    assert post(client, "k-1").status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "k" * 256])
def test_a_malformed_key_is_refused(client_of: Any, ada: Any, key: str) -> None:
    assert post(client_of(ada), key).status_code == 400


def test_a_key_is_new_again_after_its_time(client_of: Any, ada: Any) -> None:
    client = client_of(ada)
    post(client, "k-1")
    IdempotencyKey.objects.update(created_at=now() - timedelta(seconds=conf.idempotency_ttl + 1))
    assert post(client, "k-1", {**BODY, "text": "another"}).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_repetitions_at_the_same_moment_write_once(client_of: Any, ada: Any) -> None:
    clients = [client_of(ada) for _ in range(6)]
    answers = together(*[lambda client=client: post(client, "k-1") for client in clients])
    assert statuses(answers) == [201] * 6
    assert len({answer.content for answer in answers}) == 1
    assert Record.objects.count() == 1
