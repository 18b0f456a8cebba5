from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from altlas.kernel.ids import uuid7
from archive import services
from archive.exceptions import InvalidRecord, RecordExists, RecordNotFound, RecordOnHold, TransitionNotAllowed
from archive.models import AuditEntry, Record
from archive.statuses import Status, allowed
from authgateway.testing import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Any:
    return make_user(username="ada")


def create(owner: Any, **members: Any) -> Record:
    return services.record_create(
        **{"owner_id": owner.pk, "kind": "note", "title": "t", "text": "a text", "payload": {}, **members}
    )


def test_a_record_keeps_what_it_was_given(ada: Any) -> None:
    made = create(ada, tags=["a", " b ", "a"], language="tr", success_rate=0.5, embedding=[0.5] * 384)
    read = Record.objects.get(pk=made.pk)
    assert read.tags == ["a", "b"]
    assert read.embedding == [0.5] * 384
    assert (read.status, read.version, read.success_rate) == ("active", 1, 0.5)
    assert AuditEntry.objects.get(record_id=made.pk).action == "record_create"


def test_creating_with_the_same_id_again_returns_the_record(ada: Any) -> None:
    wanted = uuid7()
    first = create(ada, record_id=wanted)
    assert create(ada, record_id=wanted, title="another").title == first.title
    assert AuditEntry.objects.filter(record_id=wanted).count() == 1


def test_an_id_of_another_owner_is_a_conflict(ada: Any) -> None:
    wanted = create(ada).pk
    with pytest.raises(RecordExists):
        create(make_user(username="bob"), record_id=wanted)


@pytest.mark.parametrize(
    ("member", "value", "pointer"),
    [
        ("title", "a\x00b", "/title"),
        ("text", "a\ud800b", "/text"),
        ("tags", ["ok", "\udfff"], "/tags/1"),
        ("payload", {"a": [{"b/c": "\x00"}]}, "/payload/a/0/b~1c"),
        ("payload", {"a\x00": 1}, "/payload"),
        ("payload", {"a": float("nan")}, "/payload"),
        ("kind", "Not A Kind", "/kind"),
        ("success_rate", float("nan"), "/success_rate"),
        ("success_rate", 1.01, "/success_rate"),
        ("embedding", [1.0] * 3, "/embedding"),
        ("embedding", [float("inf")] * 384, "/embedding"),
        ("language", "Türkçe", "/language"),
        ("status", "gone", "/status"),
        ("title", "x" * 301, "/title"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_name(ada: Any, member: str, value: Any, pointer: str) -> None:
    with pytest.raises(InvalidRecord) as refused:
        create(ada, **{member: value})
    assert pointer in [error.pointer for error in refused.value.errors]


def test_an_edit_keeps_the_earlier_state_as_a_revision(ada: Any) -> None:
    made = create(ada, embedding=[0.1] * 384)
    services.record_update(record_id=made.pk, owner_id=ada.pk, changes={"text": "another", "tags": ["x"]})
    read = Record.objects.get(pk=made.pk)
    assert (read.text, read.version, read.embedding) == ("another", 2, None)
    revision = read.revisions.get()
    assert (revision.version, revision.text, revision.tags) == (1, "a text", [])


def test_an_edit_that_changes_nothing_makes_no_version(ada: Any) -> None:
    made = create(ada)
    assert services.record_update(record_id=made.pk, owner_id=ada.pk, changes={"title": "t"}).version == 1
    assert not made.revisions.exists()


def test_another_owners_record_is_not_found(ada: Any) -> None:
    made = create(ada)
    bob = make_user(username="bob")
    with pytest.raises(RecordNotFound):
        services.record_update(record_id=made.pk, owner_id=bob.pk, changes={"title": "x"})
    with pytest.raises(RecordNotFound):
        services.record_delete(record_id=made.pk, owner_id=bob.pk)


def test_a_deleted_record_comes_back_as_it_was(ada: Any) -> None:
    made = create(ada, text="kept", tags=["x"])
    services.record_delete(record_id=made.pk, owner_id=ada.pk)
    assert not Record.objects.alive().exists()
    services.record_restore(record_id=made.pk, owner_id=ada.pk)
    read = Record.objects.alive().get()
    assert (read.text, read.tags, read.deleted_at) == ("kept", ["x"], None)


def test_a_record_on_hold_cannot_be_deleted(ada: Any) -> None:
    made = create(ada)
    services.record_hold(record_id=made.pk, on_hold=True, actor_id=ada.pk)
    with pytest.raises(RecordOnHold):
        services.record_delete(record_id=made.pk, owner_id=ada.pk)


def test_service_and_database_agree_on_every_status_change(ada: Any) -> None:
    for old in Status:
        for new in Status:
            made = create(ada, status=old)
            if allowed(old, new):
                services.record_update(record_id=made.pk, owner_id=ada.pk, changes={"status": new.value})
                continue
            with pytest.raises(TransitionNotAllowed):
                services.record_update(record_id=made.pk, owner_id=ada.pk, changes={"status": new.value})
            with pytest.raises(IntegrityError), transaction.atomic():
                Record.objects.filter(pk=made.pk).update(status=new)


def test_a_text_whose_vector_would_be_too_large_is_stored(ada: Any) -> None:
    words = " ".join(f"w{number:x}" for number in range(200_000))
    assert Record.objects.filter(pk=create(ada, text=words).pk).exists()
