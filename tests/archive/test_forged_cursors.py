"""A hundred thousand cursors that nobody gave out: refused, each of them, and never anything else."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from altlas.kernel.clock import now
from archive import cursors, selectors
from archive.exceptions import InvalidCursor
from archive.filters import RecordFilters
from tests.archive.scenario import records

pytestmark = pytest.mark.django_db
RECORDS = "/api/v1/archive/records"
COUNT = 100_000


def forged(dice: random.Random, genuine: list[str], foreign: list[str]) -> Iterator[str]:
    """Yield cursors of every kind of malice, endlessly."""
    while True:
        good = dice.choice(genuine)
        raw = bytearray(base64.urlsafe_b64decode(good + "=="))
        kind = dice.randrange(7)
        if kind == 0:
            raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
            yield base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
        elif kind == 1:
            yield good[: dice.randrange(len(good))] or "A"
        elif kind == 2:
            yield good + dice.choice("A=-_ %\x7fş")
        elif kind == 3:
            yield base64.urlsafe_b64encode(dice.randbytes(dice.randrange(1, 90))).decode()
        elif kind == 4:  # the body of one under the seal of another
            other = base64.urlsafe_b64decode(dice.choice(foreign) + "==")
            yield base64.urlsafe_b64encode(bytes(raw[:16]) + other[16:]).rstrip(b"=").decode()
        elif kind == 5:
            yield dice.choice(foreign)
        else:  # our own shape, sealed by a guessed key
            position = cursors.Position(keys=(now(), "x"), backward=dice.random() < 0.5)
            key = cursors.signing_key(str(dice.random()))
            yield cursors.encode(position, key=key, binding=b"x" * 32, expires=now() + timedelta(days=1))


def given_out(owner: Any, other: Any) -> tuple[list[str], list[str]]:
    """Return cursors of the owner's own default list, and ones of another owner, order or filter."""
    records(owner.pk, 60)
    records(other.pk, 60, seed=2)
    own, theirs = RecordFilters(owner_id=owner.pk), RecordFilters(owner_id=other.pk)
    narrowed = RecordFilters(owner_id=owner.pk, kind=("topic",))
    genuine = [selectors.records_page(filters=own, limit=limit).next for limit in range(1, 20)]
    foreign = [selectors.records_page(filters=theirs, limit=limit).next for limit in range(1, 20)]
    foreign += [selectors.records_page(filters=own, ordering="title", limit=limit).next for limit in range(1, 20)]
    foreign += [selectors.records_page(filters=narrowed, limit=limit).next for limit in range(1, 5)]
    return [found for found in genuine if found], [found for found in foreign if found]


def test_a_hundred_thousand_cursors_are_refused(ada: Any, bob: Any) -> None:
    genuine, foreign = given_out(ada, bob)
    filters = RecordFilters(owner_id=ada.pk)
    source = forged(random.Random(1), genuine, foreign)
    refused = 0
    for _ in range(COUNT):
        text = next(source)
        if text in genuine:
            continue
        with pytest.raises(InvalidCursor):
            selectors.records_page(filters=filters, cursor=text)
        refused += 1
    assert refused > COUNT * 0.99


def test_over_http_each_is_a_400_and_a_genuine_one_a_200(client_of: Any, ada: Any, bob: Any) -> None:
    genuine, foreign = given_out(ada, bob)
    client = client_of(ada)
    source = forged(random.Random(2), genuine, foreign)
    for _ in range(500):
        text = next(source)
        answer = client.get(RECORDS, {"cursor": text})
        assert answer.status_code == (200 if text in genuine else 400), text
        assert "Traceback" not in answer.content.decode()
    for text in genuine:
        owners = {row["owner_id"] for row in client.get(RECORDS, {"cursor": text}).json()["results"]}
        assert owners == {str(ada.pk)}
