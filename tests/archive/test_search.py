from __future__ import annotations

import math
from typing import Any

import pytest

from altlas.kernel.errors import Unavailable
from archive import embedding, services
from archive.conf import conf
from archive.models import Record
from tests.archive.scenario import records

pytestmark = pytest.mark.django_db
SEARCH = "/api/v1/archive/search"


def store(owner: Any, text: str, **members: Any) -> Record:
    return services.record_create(
        **{"owner_id": owner.pk, "kind": "note", "title": "", "text": text, "payload": {}, **members}
    )


def vector(*numbers: float) -> list[float]:
    return [*numbers, *[0.0] * (384 - len(numbers))]


def titles(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [hit["title"] for hit in answer.json()["results"]]


# Each word in the forms in which it may be typed: with and without dots, in capitals, decomposed, without accents.
_WORDS = {
    "ısı": ["ısı", "ISI", "isi", "Isi", "İSİ", "i\u0307si\u0307"],
    "ışık": ["ışık", "IŞIK", "isik", "ISIK", "Işık", "İŞİK", "is\u0327ik"],
    "istanbul": ["istanbul", "İstanbul", "ISTANBUL", "İSTANBUL", "Istanbul", "I\u0307stanbul", "ıstanbul"],
    "iğne": ["iğne", "İĞNE", "IGNE", "igne", "Iğne"],
    "ılık": ["ılık", "ILIK", "ilik", "İlik"],
    "şair": ["şair", "ŞAİR", "SAIR", "sair", "ŞAIR"],
    "kâğıt": ["kâğıt", "KÂĞIT", "kağıt", "KAGIT", "kagit"],
    "index": ["index", "INDEX", "Index", "ındex", "İNDEX"],
    "café": ["café", "CAFÉ", "cafe", "cafe\u0301"],
}


@pytest.mark.parametrize("language", ["tr", "en", ""])
@pytest.mark.parametrize("word", _WORDS)
def test_dotted_and_dotless_i_meet_in_every_combination(client_of: Any, ada: Any, word: str, language: str) -> None:
    client = client_of(ada)
    for form in _WORDS[word]:
        record = store(ada, f"x {form} y", language=language)
        for query in _WORDS[word]:
            found = client.get(SEARCH, {"q": query}).json()["results"]
            assert [hit["id"] for hit in found] == [str(record.pk)], (form, query, language)
        record.delete()


@pytest.mark.parametrize(
    ("text", "language", "query"),
    [
        ("Kitaplarımızdan birini okudum.", "tr", "kitap"),
        ("IŞIKLARI söndürdüm", "tr", "ışık"),
        ("ışıklar", "tr", "IŞIKLARI"),
        ("kitap", "", "kitaplar"),
        ("The dogs were running", "en", "dog run"),
        ("INDICES and INDEXES", "en", "index"),
        ("he said: hello brave new world", "en", '"brave new world"'),
        ("one thing", "en", "another or one"),
        ("Ankara'da hava", "tr", "ankara"),
        ("<p>inside of tags</p>", "en", "inside"),
        ("elma/armut", "tr", "armut"),
        ("if a<b then c>d", "en", "then"),
    ],
)
def test_stems_and_phrases_are_found(client_of: Any, ada: Any, text: str, language: str, query: str) -> None:
    store(ada, text, language=language, title="it")
    assert titles(client_of(ada).get(SEARCH, {"q": query})) == ["it"]


def test_a_forbidden_word_is_forbidden_in_every_reading(client_of: Any, ada: Any) -> None:
    store(ada, "kedi köpek", language="tr", title="both")
    store(ada, "kedi kuş", language="tr", title="one")
    store(ada, "kedi köpekler", language="tr", title="inflected")
    assert titles(client_of(ada).get(SEARCH, {"q": "kedi -köpek"})) == ["one"]
    assert titles(client_of(ada).get(SEARCH, {"q": 'kedi -"köpek"'})) == ["one"]


@pytest.mark.parametrize("query", ["'", '"', "-", "a & | ! ( :*", "\\", "%s %(x)s", "—", "🙂", "<->", "x:*B", "-a -b"])
def test_any_punctuation_is_a_query(client_of: Any, ada: Any, query: str) -> None:
    store(ada, "some text")
    assert client_of(ada).get(SEARCH, {"q": query}).status_code == 200


def test_a_match_in_the_title_comes_first(client_of: Any, ada: Any) -> None:
    store(ada, "elma " * 5, language="tr", title="meyve")
    store(ada, "meyve", language="tr", title="elma")
    assert titles(client_of(ada).get(SEARCH, {"q": "elma"})) == ["elma", "meyve"]


def test_the_highlight_is_the_text_as_written_and_safe(client_of: Any, ada: Any) -> None:
    store(ada, "<script>İSTANBUL'un IŞIKLARI</script> & " + "dolgu " * 200, language="tr")
    hit = client_of(ada).get(SEARCH, {"q": "ışık istanbul"}).json()["results"][0]
    assert hit["highlight"].startswith(
        "&lt;script&gt;<mark>İSTANBUL</mark>&#x27;un <mark>IŞIKLARI</mark>&lt;/script&gt; &amp; dolgu"
    )
    assert hit["highlight"].endswith("…")


def test_nobody_finds_anothers_or_deleted_records(client_of: Any, ada: Any, bob: Any) -> None:
    embedding.set_query_embedder(lambda text: vector(1))
    store(bob, "secret word", embedding=vector(1))
    gone = store(ada, "secret word", embedding=vector(1))
    services.record_delete(record_id=gone.pk, owner_id=ada.pk)
    for mode in ("text", "semantic", "hybrid"):
        assert titles(client_of(ada).get(SEARCH, {"q": "secret", "mode": mode})) == []


def test_meaning_orders_by_similarity(client_of: Any, ada: Any) -> None:
    embedding.set_query_embedder(lambda text: vector(1, 0))
    store(ada, "b", title="near", embedding=vector(1, 0.1))
    store(ada, "a", title="far", embedding=vector(0, 1))
    store(ada, "c", title="same", embedding=vector(2, 0))
    store(ada, "d", title="without")
    store(ada, "e", title="zero", embedding=vector(0))
    answer = client_of(ada).get(SEARCH, {"q": "x", "mode": "semantic"})
    assert titles(answer) == ["same", "near", "far"]
    scores = [hit["score"] for hit in answer.json()["results"]]
    assert math.isclose(scores[0], 1, abs_tol=1e-3) and math.isclose(scores[2], 0, abs_tol=1e-3)


def test_the_vector_index_never_hides_rows(client_of: Any, ada: Any, bob: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(conf, "exact_below", 0)
    embedding.set_query_embedder(lambda text: vector(1, 0))
    for number in range(300):
        store(bob, "x", embedding=vector(1, number / 1e4))
    for number in range(20):
        store(ada, "x", title=f"{number:02}", embedding=vector(-1, 1 + number))
    assert titles(client_of(ada).get(SEARCH, {"q": "x", "mode": "semantic"})) == [
        f"{n:02}" for n in reversed(range(20))
    ]


def test_hybrid_puts_what_both_legs_found_first(client_of: Any, ada: Any) -> None:
    embedding.set_query_embedder(lambda text: vector(1, 0))
    store(ada, "elma", title="words only", language="tr")
    store(ada, "armut", title="meaning only", embedding=vector(1, 0))
    store(ada, "elma", title="both", language="tr", embedding=vector(1, 0.2))
    answer = client_of(ada).get(SEARCH, {"q": "elma", "mode": "hybrid"})
    assert titles(answer)[0] == "both"
    assert set(titles(answer)) == {"words only", "meaning only", "both"}
    assert set(answer.json()["results"][0]["scores"]) == {"text", "semantic"}
    assert answer.json()["degraded"] == []


def test_without_a_model_meaning_is_refused_and_hybrid_goes_on_by_words(client_of: Any, ada: Any) -> None:
    def away(text: str) -> list[float]:
        raise Unavailable("No node answers.", retry_after=7)

    store(ada, "elma", title="it", language="tr")
    for embedder in (None, away, lambda text: [1.0] * 3):
        embedding.set_query_embedder(embedder)
        refused = client_of(ada).get(SEARCH, {"q": "elma", "mode": "semantic"})
        assert refused.status_code == 503 and refused.json()["code"] == "semantic_unavailable"
        assert refused["Retry-After"]
        answer = client_of(ada).get(SEARCH, {"q": "elma", "mode": "hybrid"})
        assert titles(answer) == ["it"]
        assert answer.json()["degraded"] == ["semantic"]


def test_search_takes_the_filters_of_lists(client_of: Any, ada: Any) -> None:
    records(ada.pk, 40, text="common")
    found = client_of(ada).get(SEARCH, {"q": "common", "kind": "topic", "limit": 100}).json()["results"]
    assert found and {hit["kind"] for hit in found} == {"topic"}


def test_a_search_needs_words_and_a_known_mode(client_of: Any, ada: Any) -> None:
    for query in ({}, {"q": " "}, {"q": "a", "mode": "guess"}, {"q": "a", "limit": "101"}, {"q": "a" * 1001}):
        assert client_of(ada).get(SEARCH, query).status_code == 400
