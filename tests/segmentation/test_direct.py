"""Short texts that somebody waits for, done by the web process: when it may, when it leaves them to a node."""

from __future__ import annotations

import time
from typing import Any

import pytest
from rest_framework.test import APIClient

from archive import validation
from archive.exceptions import InvalidRecord
from archive.models import Record
from authgateway.models import User
from segmentation.conf import conf
from segmentation.models import SegmentationItem, SegmentationRun
from segmentation.statuses import Status
from tests.segmentation.conftest import FakeModels, FakeNode

URL = "/api/v1/segmentations"
_OF_ONE_RUN = {"id", "record_id", "timings", "request_id", "created_at", "started_at", "finished_at"}
pytestmark = pytest.mark.django_db


def post(api: APIClient, prefer: str = "", **body: Any) -> Any:
    headers = {"Prefer": prefer} if prefer else {}
    return api.post(URL, {"strategy": "sentence", **body}, format="json", headers=headers)


@pytest.mark.parametrize(
    "body",
    [
        {"text": "Bir gün geldi. Sonra gitti ve bir daha gelmedi."},
        {"text": "Open the file and read it, then close it.", "strategy": "command"},
        {"text": "The cat sleeps. The cat eats. Rain fell over the river. The river rose.", "strategy": "topic"},
        {"text": "One. Two. Three. Four.", "strategy": "chunk", "options": {"unit": "characters", "max_tokens": 16}},
    ],
)
def test_the_answer_is_that_of_a_node(
    api: APIClient, node: FakeNode, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any]
) -> None:
    mine = post(api, **body)
    assert mine.status_code == 201, mine.content
    assert not node.taken
    monkeypatch.setattr(conf, "direct_characters", 0)
    theirs = post(api, **body)
    assert len(node.taken) == 1
    ours, others = mine.json(), theirs.json()
    assert set(ours) == set(others)
    assert {name: ours[name] for name in set(ours) - _OF_ONE_RUN} == {
        name: others[name] for name in set(others) - _OF_ONE_RUN
    }
    stored = api.get(mine["Location"]).json()
    assert stored == mine.json()


def test_it_is_stored_once_as_it_ended(api: APIClient, user: User) -> None:
    body = post(api, text="Bir gün geldi. Sonra gitti.").json()
    run, item = SegmentationRun.objects.get(), SegmentationItem.objects.get()
    assert (run.status, run.attempt, run.progress, run.language) == (Status.SUCCEEDED, 1, 1.0, "")
    assert (item.status, item.language) == (Status.SUCCEEDED, "tr")
    record = Record.objects.get()
    assert (record.owner_id, record.source_run_id) == (user.pk, run.pk)
    assert body["record_id"] == str(record.pk)


@pytest.mark.parametrize(
    "body",
    [
        {"text": "x" * 20_001},
        {"texts": ["One."]},
    ],
)
def test_what_takes_more_than_a_moment_goes_to_a_node(api: APIClient, node: FakeNode, body: dict[str, Any]) -> None:
    assert post(api, **body).status_code == 201
    assert len(node.taken) == 1


def test_chunks_counted_by_a_tokenizer_go_to_a_node(api: APIClient, node: FakeNode) -> None:
    node.idle = True
    assert post(api, prefer="wait=1", text="One. Two.", strategy="chunk").status_code == 202
    assert len(node.taken) == 1


@pytest.mark.parametrize("prefer", ["respond-async", "wait=0"])
def test_who_does_not_wait_gets_a_run_in_the_queue(api: APIClient, node: FakeNode, prefer: str) -> None:
    node.idle = True
    assert post(api, prefer=prefer, text="One. Two.").status_code == 202
    assert SegmentationRun.objects.get().status == Status.QUEUED


def test_a_text_that_is_not_done_in_time_is_queued_and_nothing_of_the_attempt_is_kept(
    api: APIClient, node: FakeNode, models: FakeModels
) -> None:
    node.idle = True
    models.before = lambda: time.sleep(1.1)
    answer = post(api, prefer="wait=1", text="One. Two.", strategy="topic")
    assert answer.status_code == 202
    run = SegmentationRun.objects.get()
    assert (run.status, SegmentationItem.objects.get().status) == (Status.QUEUED, Status.QUEUED)
    assert not Record.objects.exists()
    models.before = lambda: None
    assert node.deliver() == [True]
    assert api.get(answer["Location"]).json()["status"] == "succeeded"


def test_a_defect_on_the_way_leaves_no_half_a_run(api: APIClient, models: FakeModels) -> None:
    models.error = RuntimeError("a defect")
    api.raise_request_exception = False
    assert post(api, text="One. Two.", strategy="topic").status_code == 500
    assert not SegmentationRun.objects.exists()


@pytest.mark.parametrize("characters", [20_000, 0])
def test_a_record_that_the_archive_refuses_fails_the_run(
    api: APIClient, monkeypatch: pytest.MonkeyPatch, characters: int
) -> None:
    def refuse(members: Any) -> None:
        raise InvalidRecord("The payload is too large.")

    monkeypatch.setattr(conf, "direct_characters", characters)
    monkeypatch.setattr(validation, "check", refuse)
    answer = post(api, text="One. Two.")
    assert 400 <= answer.status_code < 500, answer.content
    run = SegmentationRun.objects.get()
    assert run.status == Status.FAILED
    assert run.error["code"] == answer.json()["code"]
    assert SegmentationItem.objects.get().segments == []
    assert not Record.objects.exists()
