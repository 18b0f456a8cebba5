"""`/v2` where a client alone cannot go: slow loads, overload, defects; with a node in the same process."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from rest_framework.test import APIClient

from altlas.kernel.errors import TooManyRequests
from authgateway.testing import bearer, make_user
from orchestrator import services
from orchestrator.views.v2 import infer as infer_view
from orchestrator.views.v2 import repository
from orchestrator.worker.heartbeat import Heartbeat
from tests.orchestrator.support import Scene
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db
BODY = b'{"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["ab"]}]}'


@pytest.fixture
def operator() -> APIClient:
    return APIClient(headers=bearer(make_user("grace", superuser=True, password=None)), raise_request_exception=False)


def post(client: APIClient, path: str, body: bytes = b"") -> Any:
    return client.generic("POST", path, body, content_type="")


def test_a_load_that_takes_longer_than_a_client_waits_goes_on_behind_a_503(
    operator: APIClient, local_node: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "LONGEST_WAIT", 0.3)
    services.model_register(name="slow", task="echo", source="echo://", version="1", options={"load_seconds": 1.5})
    early = post(operator, "/v2/repository/models/slow/load", b"{}")
    assert early.status_code == 503 and int(early.headers["Retry-After"]) >= 1
    assert "loading" in early.json()["error"]

    eventually(lambda: [r["state"] for r in local_node.replicas("slow")] == ["ready"], within=20)
    Heartbeat(name="here", supervisor=local_node.supervisor).report()
    assert post(operator, "/v2/repository/models/slow/load", b"{}").status_code == 200
    assert len(local_node.kinds("load")) == 1


def test_overload_and_defects_have_the_clients_shape_too(
    operator: APIClient, drill: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def busy(**_: Any) -> Any:
        raise TooManyRequests("Slow down.", retry_after=3)

    def broken(**_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(infer_view, "infer", busy)
    answer = post(operator, f"/v2/models/{drill}/infer", BODY)
    assert (answer.status_code, answer.json(), answer.headers["Retry-After"]) == (429, {"error": "Slow down."}, "3")
    monkeypatch.setattr(infer_view, "infer", broken)
    with caplog.at_level(logging.ERROR):
        answer = post(operator, f"/v2/models/{drill}/infer", BODY)
    assert answer.status_code == 500 and "server's log" in answer.json()["error"]
    assert "ZeroDivisionError" in caplog.text


def test_a_load_tells_the_dimension_of_what_comes_out(operator: APIClient, local_node: Scene, drill: str) -> None:
    path = f"/v2/models/{drill}"
    assert operator.get(path).json()["outputs"][0]["shape"] == [-1, -1]
    services.model_load(model=drill)
    from orchestrator.services.catalogue import loaded_record

    loaded_record(model=drill, version="1", measured_bytes=1, seconds=0.1, facts={"dimension": 8})
    assert operator.get(path).json()["outputs"][0]["shape"] == [-1, 8]


def test_generate_continues_a_text_and_says_what_is_wrong(operator: APIClient, drill: str, local_node: Scene) -> None:
    assert "text_input" in post(operator, f"/v2/models/{drill}/generate", b"{}").json()["error"]
    wrong = post(operator, f"/v2/models/{drill}/generate", b'{"text_input": "a", "parameters": 3}')
    assert wrong.status_code == 400


def test_the_index_can_be_asked_for_what_is_ready_only(operator: APIClient, drill: str, local_node: Scene) -> None:
    assert post(operator, "/v2/repository/index", b'{"ready": true}').json() == []
    services.model_load(model=drill)
    Heartbeat(name="here", supervisor=local_node.supervisor).report()
    (row,) = post(operator, "/v2/repository/index", b'{"ready": true}').json()
    assert (row["name"], row["version"], row["state"]) == (drill, "1", "READY")
    assert post(operator, "/v2/repository/index", b'{"ready": 1}').status_code == 400


def test_a_failed_version_says_its_reason_in_the_index(operator: APIClient, local_node: Scene) -> None:
    services.model_register(
        name="broken", task="echo", source="echo://", version="1", options={"fail_load": "permanent"}
    )
    failed = post(operator, "/v2/repository/models/broken/load", b"{}")
    assert failed.status_code == 422 and "told to fail for good" in failed.json()["error"]
    eventually(lambda: local_node.replicas("broken") == [], within=20)  # its process is gone
    Heartbeat(name="here", supervisor=local_node.supervisor).report()
    rows = {row["name"]: row for row in post(operator, "/v2/repository/index").json()}
    assert rows["broken"]["state"] == "UNAVAILABLE" and "told to fail" in rows["broken"]["reason"]
