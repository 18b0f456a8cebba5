"""ALT documents: out of a run, and in from outside."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from django.test import Client
from rest_framework.test import APIClient

from archive import selectors as archive
from archive.models import Record
from authgateway.models import User
from segmentation import documents
from segmentation.exceptions import InvalidDocument

URL = "/api/v1/segmentations"
COMMAND = "Raporu bulup Ali'ye gönder, yağmur yağarsa toplantıyı iptal et"
pytestmark = pytest.mark.django_db


def run(api: APIClient, text: str = COMMAND, **body: Any) -> dict[str, Any]:
    answer = api.post(URL, {"text": text, "strategy": "command", "language": "tr", **body}, format="json")
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def document(api: APIClient) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"{URL}/{run(api)['id']}/document").json()
    return found


def test_a_command_gives_tasks_edges_and_pieces_that_cover_it(api: APIClient) -> None:
    body = run(api)
    assert [task["normalised"] for task in body["tasks"]] == [
        "Raporu bul",
        "Ali'ye gönder",
        "yağmur yağarsa",
        "toplantıyı iptal et",
    ]
    assert {(edge["source"], edge["target"], edge["type"]) for edge in body["edges"]} >= {
        (0, 1, "data"),
        (2, 3, "condition"),
    }
    assert "".join(segment["text"] for segment in body["segments"]) == COMMAND
    assert [segment["task"] for segment in body["segments"]] == [0, 1, 2, 3]
    for task in body["tasks"]:
        assert " … ".join(COMMAND[a:b] for a, b in task["spans"]) == task["text"]


def test_places_of_tasks_follow_the_unit_of_offsets(api: APIClient) -> None:
    text = "Şunu yaz: 😀 😀 ve raporu gönder"
    body = run(api, text, options={"offsets": "utf16"})
    wide = text.encode("utf-16-le")
    for task in body["tasks"]:
        pieces = [wide[2 * a : 2 * b].decode("utf-16-le") for a, b in task["spans"]]
        assert " … ".join(pieces) == task["text"]


def test_the_document_is_had_as_json_and_as_yaml(api: APIClient) -> None:
    made = run(api)["id"]
    plain = api.get(f"{URL}/{made}/document").json()
    answer = api.get(f"{URL}/{made}/document", headers={"Accept": "application/yaml"})
    assert answer["Content-Type"].startswith("application/yaml")
    assert yaml.safe_load(answer.content.decode()) == plain
    assert set(plain) == {"id", "version", "command", "language", "segments"}
    assert plain["segments"][1]["dependencies"][0]["segment"] == "seg_1"
    assert plain["segments"][2]["task_type"] == "condition"


def test_what_goes_out_comes_in_again_once(api: APIClient, user: User) -> None:
    whole = document(api)
    first = api.post(f"{URL}/documents", whole, format="json")
    assert first.status_code == 201, first.content
    assert first.json()["document"] == whole
    order = first.json()["order"]
    assert order.index("seg_1") < order.index("seg_2")
    assert order.index("seg_3") < order.index("seg_4")
    text = documents.dump(whole, form="yaml")
    second = Client().post(
        f"{URL}/documents",
        text.encode(),
        content_type="application/yaml",
        headers={"Authorization": api._credentials["HTTP_AUTHORIZATION"]},
    )
    assert second.json()["record_id"] == first.json()["record_id"]
    record = archive.record_get(record_id=first.json()["record_id"], owner_id=user.pk)
    assert record.kind == "alt-document"
    assert record.payload == whole


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        (lambda d: d.pop("command"), "/command", "required"),
        (lambda d: d.update(version="9"), "/version", "unknown"),
        (lambda d: d.update(language="klingon"), "/language", "unknown"),
        (lambda d: d.update(colour="red"), "/colour", "unknown_member"),
        (lambda d: d.update(segments=[]), "/segments", "out_of_range"),
        (lambda d: d["segments"][0].update(task_type="dance"), "/segments/0/task_type", "unknown"),
        (lambda d: d["segments"][0].update(content=" "), "/segments/0", "blank"),
        (
            lambda d: d["segments"][0]["parameters"].update(spans=[[0, 9999]]),
            "/segments/0/parameters/spans",
            "out_of_range",
        ),
        (lambda d: d["segments"][1].update(id="seg_1"), "/segments", "duplicate"),
        (
            lambda d: d["segments"][1]["dependencies"][0].update(segment="x"),
            "/segments/1/dependencies/0/segment",
            "unknown",
        ),
        (
            lambda d: d["segments"][1]["dependencies"][0].update(type="love"),
            "/segments/1/dependencies/0/type",
            "unknown",
        ),
        (
            lambda d: d["segments"][0]["dependencies"].append({"segment": "seg_2", "type": "data"}),
            "/segments",
            "circle",
        ),
    ],
)
def test_a_document_that_does_not_hold_together_is_refused_by_name(
    api: APIClient, change: Any, pointer: str, code: str
) -> None:
    whole = copy.deepcopy(document(api))
    change(whole)
    kept = Record.objects.count()
    answer = api.post(f"{URL}/documents", whole, format="json")
    assert answer.status_code == 400, answer.content
    assert answer.json()["code"] == "invalid_document"
    assert (pointer, code) in [(error["pointer"], error["code"]) for error in answer.json()["errors"]]
    assert Record.objects.count() == kept


@pytest.mark.parametrize("text", ["a: &x 1\nb: *x", "{", "a: [", "- !!python/object:os.system {}", "x" * 2_000_001])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidDocument):
        documents.load(text)


def test_another_strategy_has_no_document(api: APIClient) -> None:
    made = api.post(URL, {"text": "Bir. İki.", "strategy": "sentence"}, format="json").json()["id"]
    answer = api.get(f"{URL}/{made}/document")
    assert answer.status_code == 409
    assert answer.json()["code"] == "no_document"
