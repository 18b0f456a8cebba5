from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from archive.conf import conf
from archive.facets import facets
from archive.filters import RecordFilters
from tests.archive.scenario import records

pytestmark = pytest.mark.django_db
SEARCH = "/api/v1/archive/search"


def test_facets_count_what_the_search_matches(client_of: Any, ada: Any, bob: Any) -> None:
    made = [*records(ada.pk, 60, text="IŞIK"), *records(ada.pk, 30, seed=2, text="karanlık")][:60]
    records(bob.pk, 20, text="ışık")
    answer = client_of(ada).get(SEARCH, {"q": "ışık", "facets": "true", "limit": 1}).json()
    found = answer["facets"]
    assert (len(answer["results"]), found["counted"], found["relation"]) == (1, 60, "eq")
    assert found["kind"] == Counter(record.kind for record in made)
    assert found["tag"] == Counter(tag for record in made for tag in record.tags)


def test_facets_are_only_there_when_asked_for(client_of: Any, ada: Any) -> None:
    records(ada.pk, 3)
    assert client_of(ada).get(SEARCH, {"q": "text"}).json()["facets"] is None


def test_facets_take_filters(client_of: Any, ada: Any) -> None:
    made = records(ada.pk, 60)
    found = client_of(ada).get(SEARCH, {"q": "text", "facets": "1", "kind": "topic"}).json()["facets"]
    assert found["kind"] == {"topic": sum(record.kind == "topic" for record in made)}


def test_facets_of_more_than_are_counted_say_so(ada: Any, monkeypatch: Any) -> None:
    records(ada.pk, 30)
    monkeypatch.setattr(conf, "facet_rows", 10)
    found = facets(RecordFilters(owner_id=ada.pk))
    assert (found.counted, found.relation, sum(found.kind.values())) == (10, "gte", 10)
    monkeypatch.setattr(conf, "facet_rows", 30)
    assert facets(RecordFilters(owner_id=ada.pk)).relation == "eq"
