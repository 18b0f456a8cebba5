"""Segmentation over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from altlas.kernel.errors import Unavailable
from archive import selectors as archive
from archive.models import Record
from authgateway.models import User
from authgateway.testing import bearer, make_user
from orchestrator.exceptions import ModelUnavailable, NodeUnavailable
from segmentation import nodes, services
from segmentation.conf import conf
from segmentation.models import SegmentationItem, SegmentationRun
from tests.segmentation.conftest import FakeModels, FakeNode

URL = "/api/v1/segmentations"
TEXT = "Prof. Dr. Ayşe Kaya 19. yüzyılı anlattı. Herkes dinledi! Sonra ne oldu? Bilmiyorum…"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True, params=["direct", "queued"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short text is done by the web process or by a node; nobody can tell by the answer."""
    if request.param == "queued":
        monkeypatch.setattr(conf, "direct_characters", 0)


def post(api: APIClient, **body: Any) -> Any:
    return api.post(URL, {"strategy": "sentence", **body}, format="json")


def pointers(answer: Any) -> list[tuple[str, str]]:
    return [(error["pointer"], error["code"]) for error in answer.json()["errors"]]


def test_sentences_come_back_with_exact_offsets_and_an_archive_record(api: APIClient, user: User) -> None:
    answer = post(api, text=TEXT)
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert body["status"] == "succeeded"
    assert body["strategy"] == "sentence"
    assert body["language"] == "tr"
    assert [segment["text"].strip() for segment in body["segments"]] == [
        "Prof. Dr. Ayşe Kaya 19. yüzyılı anlattı.",
        "Herkes dinledi!",
        "Sonra ne oldu?",
        "Bilmiyorum…",
    ]
    for index, segment in enumerate(body["segments"]):
        assert segment["index"] == index
        assert TEXT[segment["start"] : segment["end"]] == segment["text"]
        assert 0 <= segment["score"] <= 1
    assert {"total", "sentences"} <= set(body["timings"])
    record = archive.record_get(record_id=body["record_id"], owner_id=user.pk)
    assert record.text == TEXT
    assert str(record.source_run_id) == body["id"]
    assert len(record.payload["segments"]) == 4


def test_topics_are_found_and_named_with_the_model(api: APIClient) -> None:
    cats = "The cat sleeps on the warm mat. A cat purrs when it sleeps. My cat eats fish on the mat. "
    rain = "Heavy rain fell over the river. The river rose after the rain. Clouds brought rain to the river valley. "
    answer = post(api, text=cats * 2 + rain * 2, strategy="topic")
    assert answer.status_code == 201, answer.content
    assert [segment["start"] for segment in answer.json()["segments"]] == [0, len(cats * 2)]
    assert answer.json()["model"]


def test_offsets_in_utf16_units_on_request(api: APIClient) -> None:
    text = "Harika 😀 oldu. Yarın gel."
    segments = post(api, text=text, options={"offsets": "utf16"}, language="tr").json()["segments"]
    wide = text.encode("utf-16-le")
    assert [wide[2 * s["start"] : 2 * s["end"]].decode("utf-16-le") for s in segments] == [s["text"] for s in segments]
    assert segments[-1]["end"] == len(wide) // 2


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"text": ""}, ("/text", "blank")),
        ({"text": " \r\n\t"}, ("/text", "blank")),
        ({"text": 5}, ("/text", "invalid")),
        ({"text": None}, ("/text", "null")),
        ({"text": "a\x00b"}, ("/text", "nul_character")),
        ({}, ("/text", "required")),
        ({"text": "a", "texts": ["b"]}, ("/text", "required")),
        ({"texts": []}, ("/texts", "empty")),
        ({"texts": "abc"}, ("/texts", "invalid")),
        ({"texts": ["a", 1]}, ("/texts/1", "invalid")),
        ({"text": "a", "strategy": "paragraph"}, ("/strategy", "invalid_choice")),
        ({"text": "a", "strategy": None}, ("/strategy", "null")),
        ({"text": "a", "language": "klingon"}, ("/language", "unknown")),
        ({"text": "a", "language": 3}, ("/language", "invalid")),
        ({"text": "a", "model": "nobody"}, ("/model", "unknown")),
        ({"text": "a", "options": []}, ("/options", "invalid")),
        ({"text": "a", "options": {"treshold": 0.4}}, ("/options/treshold", "unknown_option")),
        ({"text": "a", "options": {"threshold": 2}}, ("/options/threshold", "invalid")),
        ({"text": "a", "options": {"threshold": True}}, ("/options/threshold", "invalid")),
        ({"text": "a", "archive": "yes"}, ("/archive", "invalid")),
        ({"text": "a", "colour": "red"}, ("/colour", "unknown_member")),
    ],
)
def test_bad_input_names_the_member_and_saves_nothing(
    api: APIClient, body: dict[str, Any], expected: tuple[str, str]
) -> None:
    answer = post(api, **body)
    assert 400 <= answer.status_code < 500, answer.content
    assert answer["Content-Type"].startswith("application/problem+json")
    assert expected in pointers(answer)
    assert not SegmentationRun.objects.exists()


def test_a_lone_surrogate_is_refused_by_name(api: APIClient) -> None:
    answer = api.post(URL, b'{"strategy": "sentence", "text": "a\\ud800b"}', content_type="application/json")
    assert answer.status_code == 400
    assert pointers(answer) == [("/text", "lone_surrogate")]


def test_bytes_that_are_not_utf8_are_refused(api: APIClient) -> None:
    answer = api.post(URL, b'{"strategy": "sentence", "text": "a\xff"}', content_type="application/json")
    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("application/problem+json")


def test_a_text_over_the_limit_is_413(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conf, "max_characters", 10)
    answer = post(api, text="x" * 11)
    assert answer.status_code == 413
    assert pointers(answer) == [("/text", "too_long")]


def test_one_character_and_a_megabyte_are_segmented(api: APIClient) -> None:
    assert [s["text"] for s in post(api, text="a").json()["segments"]] == ["a"]
    text = ("Bu uzun bir metindir. " * 50_000)[:1_000_000]
    body = post(api, text=text, language="tr").json()
    assert body["status"] == "succeeded"
    assert "".join(segment["text"] for segment in body["segments"]) == text


@pytest.mark.parametrize(
    "text", ["a\r\nb\r\n\r\nc", "e\u0301tude. Sonra\u0308.", "👩‍👩‍👧‍👦. 🇹🇷!", "\u202eabc\u202c. X", "\ufeffA. B."]
)
def test_unusual_text_is_rebuilt_exactly(api: APIClient, text: str) -> None:
    body = post(api, text=text).json()
    assert "".join(segment["text"] for segment in body["segments"]) == text


def test_a_batch_has_a_result_or_a_problem_for_each_text(api: APIClient) -> None:
    answer = post(api, texts=["Bir. İki.", "", "a\x00"])
    assert answer.status_code == 201, answer.content
    items = answer.json()["items"]
    assert len(items[0]["segments"]) == 2
    assert items[0]["record_id"]
    assert [item["code"] for item in items[1:]] == ["blank", "nul_character"]
    assert items[1]["errors"][0]["pointer"] == "/texts/1"


def test_a_batch_of_nothing_usable_is_refused(api: APIClient) -> None:
    answer = post(api, texts=["", " "])
    assert answer.status_code == 400
    assert pointers(answer) == [("/texts/0", "blank"), ("/texts/1", "blank")]
    assert not SegmentationRun.objects.exists()


def test_without_waiting_the_answer_is_202_with_a_location_to_poll(api: APIClient, node: FakeNode) -> None:
    node.idle = True
    answer = api.post(URL, {"text": TEXT, "strategy": "sentence"}, format="json", headers={"Prefer": "wait=0"})
    assert answer.status_code == 202
    assert set(answer.json()) == {"id", "status", "progress"}
    assert api.get(answer["Location"]).json()["status"] == "queued"
    node.deliver()
    assert api.get(answer["Location"]).json()["status"] == "succeeded"


def test_without_a_node_nothing_is_stored(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> None:
        raise NodeUnavailable("No node is alive.")

    monkeypatch.setattr(nodes, "require_live", nobody)
    answer = post(api, text=TEXT)
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) >= 1
    assert not SegmentationRun.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_without_a_broker_nothing_is_stored(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        from django.db import transaction

        def send() -> None:
            raise Unavailable("The broker is away.")

        transaction.on_commit(send)

    monkeypatch.setattr(services, "enqueue", refuse)
    answer = post(api, texts=[TEXT])
    assert answer.status_code == 503
    assert answer["Retry-After"]
    assert not SegmentationRun.objects.exists()
    assert not SegmentationItem.objects.exists()


def test_a_model_that_is_away_is_the_answer_of_a_topic_request(api: APIClient, models: FakeModels) -> None:
    models.error = ModelUnavailable("Loading.", retry_after=3)
    answer = post(api, text=TEXT, strategy="topic")
    assert answer.status_code == 503
    assert answer.json()["code"] == "model_unavailable"
    run = SegmentationRun.objects.get()
    assert run.status == "failed"
    assert not Record.objects.exists()


def test_sentences_do_not_need_the_model_and_are_kept_without_a_vector(api: APIClient, models: FakeModels) -> None:
    models.error = ModelUnavailable("Loading.")
    body = post(api, text=TEXT).json()
    assert body["status"] == "succeeded"
    assert [warning["code"] for warning in body["warnings"]] == ["no_embedding"]
    assert body["record_id"]


def test_archive_false_keeps_no_record(api: APIClient) -> None:
    assert post(api, text=TEXT, archive=False).json()["record_id"] is None


def test_runs_of_others_are_not_found(api: APIClient) -> None:
    made = post(api, text=TEXT).json()["id"]
    stranger = APIClient(headers=bearer(make_user("stranger", password=None)))
    assert stranger.get(f"{URL}/{made}").status_code == 404
    assert stranger.post(f"{URL}/{made}/cancel").status_code == 404
    assert stranger.get(f"{URL}/{made}/events").status_code == 404
    assert stranger.get(URL).json()["results"] == []


def test_without_the_scope_it_is_forbidden(api: APIClient, user: User) -> None:
    limited = APIClient(headers=bearer(user, scopes=["archive:read"]))
    assert limited.post(URL, {"text": "a", "strategy": "sentence"}, format="json").status_code == 403
    assert APIClient().get(URL).status_code == 401


def test_the_list_is_walked_forwards_and_backwards(api: APIClient) -> None:
    made = [post(api, text=f"Metin {n}.", archive=False).json()["id"] for n in range(5)][::-1]
    first = api.get(URL, {"limit": 2}).json()
    second = api.get(URL, {"limit": 2, "cursor": first["next"]}).json()
    third = api.get(URL, {"limit": 2, "cursor": second["next"]}).json()
    assert [run["id"] for page in (first, second, third) for run in page["results"]] == made
    assert first["previous"] is None
    assert third["next"] is None
    again = api.get(URL, {"limit": 2, "cursor": third["previous"]}).json()
    assert [run["id"] for run in again["results"]] == made[2:4]
    assert api.get(URL, {"cursor": "nonsense"}).status_code == 400
    assert api.get(URL, {"status": "failed"}).json()["results"] == []


@pytest.mark.django_db(transaction=True)
def test_events_tell_the_end_and_close(api: APIClient) -> None:
    made = post(api, text=TEXT).json()["id"]
    answer = api.get(f"{URL}/{made}/events", headers={"Accept": "text/event-stream"})
    assert answer["Content-Type"] == "text/event-stream"
    events = b"".join(answer.streaming_content).decode()
    assert "event: end" in events
    data = json.loads(events.split("data: ")[1].split("\n")[0])
    assert data == {"id": made, "status": "succeeded", "progress": 1.0}


def test_chunks_count_the_tokens_of_the_model_itself(api: APIClient) -> None:
    text = " ".join(f"Cümle {number} burada duruyor ve bitiyor." for number in range(60))
    answer = post(api, text=text, strategy="chunk", options={"max_tokens": 40, "overlap": 15})
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert body["model"] == "all-minilm-l6-v2"
    assert all(segment["tokens"] <= 40 for segment in body["segments"])
    assert any(segment["start"] < segment["core"] for segment in body["segments"])
    assert "".join(text[segment["core"] : segment["end"]] for segment in body["segments"]) == text
    assert all(text[segment["start"] : segment["end"]] == segment["text"] for segment in body["segments"])


def test_chunks_can_end_where_topics_do_and_count_characters(api: APIClient) -> None:
    cats = "The cat sleeps on the warm mat. A cat purrs when it sleeps. My cat eats fish on the mat. "
    rain = "Heavy rain fell over the river. The river rose after the rain. Clouds brought rain to the river valley. "
    options = {"max_tokens": 300, "unit": "characters", "boundaries": "topic"}
    body = post(api, text=cats * 2 + rain * 2, strategy="chunk", options=options).json()
    assert [segment["start"] for segment in body["segments"]] == [0, len(cats * 2)]


def test_an_overlap_of_more_than_half_is_refused(api: APIClient) -> None:
    answer = post(api, text="a", strategy="chunk", options={"max_tokens": 10, "overlap": 6})
    assert answer.status_code == 400
    assert pointers(answer) == [("/options/overlap", "out_of_range")]
