"""What a client gets wrong is answered at once, in the protocol's own shape, and leaves nothing behind."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from typing import Any

import pytest
from rest_framework.test import APIClient

from altlas.kernel.redis import client as redis_client
from authgateway.testing import bearer, make_user
from orchestrator import selectors, services, statistics
from orchestrator.exceptions import InvalidInputs, NodeNotFound
from orchestrator.services.answers import serve_here
from orchestrator.views import openai as openai_views
from orchestrator.views.v2 import repository, server
from tests.orchestrator.support import Scene
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db
INFER, EMBED, REST = "/v2/models/drill/infer", "/v1/embeddings", "/api/v1/models/drill/infer"


@pytest.fixture
def operator() -> APIClient:
    return APIClient(headers=bearer(make_user("grace", superuser=True, password=None)), raise_request_exception=False)


def post(client: APIClient, path: str, body: bytes = b"", **headers: Any) -> Any:
    return client.generic("POST", path, body, content_type="application/json", headers=headers)


def tensors(data: str = '"ab"', *, shape: str = "[1]", more: str = "") -> bytes:
    tensor = f'{{"name": "text", "datatype": "BYTES", "shape": {shape}, "data": [{data}]}}'
    return f'{{"inputs": [{tensor}]{more}}}'.encode()


def said(answer: Any) -> str:
    """Return the words of an error, which every protocol has in another place."""
    body = answer.json()
    error = body.get("error", body.get("detail"))
    return str(error["message"] if isinstance(error, dict) else error)


def test_a_shape_of_endless_numbers_is_refused_at_once(operator: APIClient, drill: str) -> None:
    shape = json.dumps([10**3999] * 300)
    body = gzip.compress(tensors(shape=shape))
    begun = time.process_time()
    answer = post(operator, INFER, body, content_encoding="gzip")
    assert answer.status_code == 400 and "shape" in said(answer)
    assert time.process_time() - begun < 1.0


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        (INFER, tensors('"\\ud800"'), "surrogate"),
        (INFER, tensors(more=', "id": "\\udfff"'), "surrogate"),
        (INFER, tensors().replace(b"BYTES", b"\\ud800"), r"no \ud800"),
        (INFER, tensors(more=', "parameters": {"\\ud800": {}}'), "surrogate"),
        (INFER, tensors(more=', "parameters": {"x": "\\ud800"}'), "surrogate"),
        (INFER, tensors(more=f', "parameters": {{"x": {2**64}}}'), "64 bits"),
        (INFER, tensors(more=f', "parameters": {{"timeout": {10**399}}}'), "timeout"),
        (INFER, tensors(more=f', "parameters": {{"priority": "{10**399}"}}'), "priority"),
        (INFER, tensors("[" * 100 + '"a"' + "]" * 100), "dimensions"),
        (REST, b'{"inputs": ["\\ud800"]}', "surrogate"),
        (REST, b'{"inputs": [["a", "\\ud800"]]}', "surrogate"),
        (REST, b'{"inputs": ["a"], "params": {"x": {"\\ud800": 1}}}', "surrogate"),
        (REST, f'{{"inputs": ["a"], "params": {{"x": {-(2**63) - 1}}}}}'.encode(), "64 bits"),
        (REST, f'{{"inputs": [[{2**64}]]}}'.encode(), "64 bits"),
        (REST, b'{"inputs": [[1114112]]}', "characters"),
        (EMBED, b'{"model": "drill", "input": "\\ud800"}', "surrogate"),
        (EMBED, f'{{"model": "drill", "input": [{2**64}]}}'.encode(), "64 bits"),
        (EMBED, b'{"model": "drill", "input": [1114112]}', "characters"),
        (EMBED, b'{"model": "drill", "input": [55296]}', "characters"),
    ],
)
def test_a_text_or_number_that_cannot_travel_is_refused(
    operator: APIClient, drill: str, local_node: Scene, path: str, body: bytes, words: str
) -> None:
    answer = post(operator, path, body)
    assert answer.status_code == 400 and words in said(answer), answer.content


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/models", b'{"name": "m", "task": "\\ud800", "source": "echo://", "version": "1"}'),
        ("/api/v1/models", b'{"name": "\\ud800", "task": "echo", "source": "echo://", "version": "1"}'),
        ("/api/v1/models", b'{"name": "m", "task": "fill-mask", "source": "\\ud800", "version": "1"}'),
        ("/api/v1/models/drill/aliases", b'{"name": "a", "version": "\\ud800"}'),
        ("/api/v1/models/drill/load", b'{"version": "\\ud800"}'),
        ("/api/v1/models/drill/unload", b'{"node": "\\ud800"}'),
        (EMBED, b'{"model": "\\ud800", "input": "a"}'),
        (EMBED, b'{"model": "drill", "input": "a", "encoding_format": "\\ud800"}'),
    ],
)
def test_an_answer_that_quotes_a_lone_surrogate_can_be_read(
    operator: APIClient, drill: str, local_node: Scene, path: str, body: bytes
) -> None:
    answer = post(operator, path, body)
    assert answer.status_code in (400, 404, 422) and said(answer), answer.content


def test_parameters_nested_deeper_than_a_frame_can_be_are_refused() -> None:
    nested: list[Any] = []
    for _ in range(2000):
        nested = [nested]
    with pytest.raises(InvalidInputs, match="nested"):
        services.infer(model="drill", inputs=["a"], params={"x": nested})


@pytest.mark.parametrize("header", ["9" * 4400, "-1", "x", ""])
def test_a_header_length_that_is_none_is_refused(operator: APIClient, drill: str, header: str) -> None:
    answer = post(operator, INFER, tensors(), inference_header_content_length=header)
    assert answer.status_code == 400 and len(said(answer)) < 200


def test_an_input_that_is_there_twice_is_refused(operator: APIClient, drill: str, local_node: Scene) -> None:
    one = json.loads(tensors())["inputs"]
    answer = post(operator, INFER, json.dumps({"inputs": one + one}).encode())
    assert answer.status_code == 400 and "text, text" in said(answer)


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/v2/models/a%00b"), ("GET", "/v2/models/a%00b/ready"), ("POST", "/v2/models/a%00b/infer"),
        ("GET", "/v2/models/drill/versions/%00/config"), ("POST", "/v2/repository/models/a%00b/load"),
        ("GET", "/v1/models/a%00b"), ("GET", "/v1/models/drill:%00"),
        ("GET", "/api/v1/models/a%00b"), ("GET", "/api/v1/models/drill/versions/%00"),
        ("POST", "/api/v1/models/a%00b/load"), ("POST", "/api/v1/models/a%00b/cancel"),
        ("POST", "/api/v1/nodes/a%00b/resume"), ("POST", "/api/v1/nodes/a%00b/drain"),
        ("POST", f"/api/v1/models/{'x' * 300}/cancel"), ("POST", f"/api/v1/models/{'x' * 300}/recycle"),
        ("POST", "/api/v1/models/nothing/cancel"),
    ],
)  # fmt: skip
def test_a_name_that_there_cannot_be_is_the_senders_mistake(
    operator: APIClient, drill: str, local_node: Scene, verb: str, path: str
) -> None:
    answer = operator.generic(verb, path, tensors() if path.endswith("infer") else b"{}", "application/json")
    assert answer.status_code in (400, 404), answer.content
    assert said(answer)


def test_an_order_to_a_node_that_there_cannot_be_is_refused(drill: str, local_node: Scene) -> None:
    with pytest.raises(NodeNotFound):
        services.model_unload(model=drill, node="x" * 300)


def test_defects_have_the_shape_of_openai_too(
    operator: APIClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(openai_views, "infer", broken)
    answer = post(operator, EMBED, b'{"model": "drill", "input": "a"}')
    assert answer.status_code == 500 and answer.json()["error"]["type"] == "server_error"
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/chat/completions", "/v1/", "/v1/embeddings/"])
def test_every_other_address_below_v1_answers_in_the_shape_of_openai(operator: APIClient, path: str) -> None:
    answer = post(operator, path, b"{}")
    assert answer.status_code == 404 and answer.json()["error"]["code"] == "not_found"
    assert APIClient().get(path).status_code == 404


def test_a_version_that_there_is_not_is_not_found_below_v1(operator: APIClient, drill: str) -> None:
    assert operator.get("/v1/models/drill:1").json()["id"] == "drill:1"
    assert operator.get("/v1/models/drill:99").json()["error"]["code"] == "model_not_found"


def test_answers_in_pieces_and_generation_by_a_model_that_does_not_generate_are_refused(
    operator: APIClient, drill: str, local_node: Scene
) -> None:
    streamed = post(operator, "/v2/models/drill/generate_stream", b'{"text_input": "a"}')
    assert streamed.status_code == 501 and "not supported" in said(streamed)
    whole = post(operator, "/v2/models/drill/generate", b'{"text_input": "a"}')
    assert whole.status_code == 422 and "echo" in said(whole)


@pytest.mark.parametrize("packed", [gzip.compress(tensors()) * 2, zlib.compress(tensors()) + b"x"])
def test_what_follows_a_compressed_body_is_not_left_out(operator: APIClient, drill: str, packed: bytes) -> None:
    answer = post(operator, INFER, packed, content_encoding="gzip" if packed[:1] == b"\x1f" else "deflate")
    assert answer.status_code == 400 and "follow" in said(answer)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip", "gzip"), ("br, GZIP;q=0.5", "gzip"), ("gzip;q=0", None), ("gzip; q=0.0, deflate", "deflate"), ("", None)],
)
def test_an_answer_is_compressed_as_the_client_accepts_it(
    operator: APIClient, drill: str, local_node: Scene, accepted: str, coding: str | None
) -> None:
    many = tensors(", ".join(['"ab"'] * 100), shape="[100]")
    answer = post(operator, INFER, many, accept_encoding=accepted)
    assert answer.status_code == 200 and answer.headers.get("Content-Encoding") == coding


def test_a_timeout_too_short_for_anything_says_so(operator: APIClient, drill: str, local_node: Scene) -> None:
    services.model_load(model=drill)
    answer = post(operator, INFER, tensors('"!sleep 1"', more=', "parameters": {"timeout": 1}'))
    assert answer.status_code == 504 and "-0.0" not in said(answer) and "No answer within" in said(answer)


def test_without_a_node_health_says_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "live_nodes", lambda **_: [])
    answer = APIClient().get("/v2/health/ready")
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1
    assert answer.json() == {"live": True, "ready": False, "error": "No node is alive."}


@pytest.mark.parametrize(
    ("state", "reason"), [("draining", ""), ("loading", ""), ("ready", ""), ("gone", "not loaded")]
)
def test_the_index_gives_a_reason_only_for_what_is_not_there(
    operator: APIClient, drill: str, monkeypatch: pytest.MonkeyPatch, state: str, reason: str
) -> None:
    node = {"name": "here", "replicas": [{"model": drill, "version": "1", "state": state}]}
    monkeypatch.setattr(repository.selectors, "cache_state", lambda: [node])
    rows = {row["name"]: row for row in post(operator, "/v2/repository/index").json()}
    assert rows[drill]["reason"] == reason


def test_who_may_read_may_ask_for_the_head_too(drill: str) -> None:
    reader = APIClient(headers=bearer(make_user("ada")))
    for verb in (reader.get, reader.head, reader.options):
        assert verb("/api/v1/models").status_code == 200
    assert reader.options("/api/v1/models/drill/load").status_code == 403


def test_a_failure_is_counted_under_the_version_that_failed_and_an_invented_name_under_none(
    drill: str, local_node: Scene
) -> None:
    def ask(model: str, text: str) -> None:
        request = {"model": model, "version": None, "task": None, "inputs": [text], "params": {}, "counted": True}
        serve_here({**request, "until": time.monotonic() + 10}, lambda _reply: None)

    before = statistics.of(drill, "1")["inference_stats"]["fail"]["count"]
    for text in ("a", "!error"):
        ask(drill, text)
    for number in range(3):
        ask(f"invented-{number}", "a")
    ask(drill, "!error")
    eventually(lambda: statistics.of(drill, "1")["inference_stats"]["fail"]["count"] == before + 2, within=10)
    keys = [key.decode() for key in redis_client("broker").scan_iter("altlas:inference:*")]
    assert not [key for key in keys if "invented" in key or key.endswith(":")], keys


def test_a_body_is_read_as_utf_8_whatever_codec_it_names(operator: APIClient, drill: str) -> None:
    packed = zlib.compress(b'{"model": "drill", "input": "a"}')
    answer = operator.generic("POST", EMBED, packed, content_type="application/json; charset=zlib")
    assert answer.status_code == 400 and "utf-8" in said(answer)
    assert selectors.model_get(name=drill)
