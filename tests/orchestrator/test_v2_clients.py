"""`/v2` by an unmodified ``tritonclient.http``, over real web and node processes: every trap of that client."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from authgateway.testing import PASSWORD
from tests.orchestrator import tiny
from tests.support.stack import ADMIN, Stack
from tests.support.waiting import eventually

tritonclient = pytest.importorskip("tritonclient.http", reason="tests/requirements.txt")
from tritonclient.utils import InferenceServerException  # noqa: E402

pytestmark = [pytest.mark.stack, pytest.mark.slow]
ECHO, PAIRS = "conformance/echo", "conformance-pairs"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make(tmp_path_factory.mktemp("pairs"), "cross-encoder", labels=1)


@pytest.fixture(scope="module")
def operator(stack: Stack, folder: Path) -> Iterator[httpx.Client]:
    with stack.logged_in() as client:
        for body in (
            {"name": ECHO, "task": "echo", "source": "echo://", "version": "1"},
            {"name": ECHO, "task": "echo", "source": "echo://", "version": "2", "options": {"dimension": 4}},
            {"name": PAIRS, "task": "cross-encoder", "source": f"folder://{folder}", "version": "1"},
        ):
            assert client.post("/api/v1/models", json=body).status_code == 201, body
        assert client.patch(f"/api/v1/models/{ECHO}", json={"version_policy": "all"}).status_code == 200
        yield client
        for name in (ECHO, PAIRS):
            client.post(f"/api/v1/models/{name}/unload", json={})


@pytest.fixture
def headers(operator: httpx.Client) -> dict[str, str]:
    """A dictionary of one test's own: the client writes what belongs to one request into the one it is given."""
    return {"Authorization": operator.headers["Authorization"]}


@pytest.fixture(scope="module")
def triton(stack: Stack, operator: httpx.Client) -> Iterator[Any]:
    client = tritonclient.InferenceServerClient(stack.url.removeprefix("http://"))
    yield client
    client.close()


def texts(*values: str, name: str = "text", shape: list[int] | None = None, binary: bool = True) -> Any:
    tensor = tritonclient.InferInput(name, shape or [len(values)], "BYTES")
    tensor.set_data_from_numpy(
        np.array([value.encode() for value in values], dtype=np.object_).reshape(shape or [len(values)]),
        binary_data=binary,
    )
    return tensor


def test_server_and_model_answer_every_question_about_themselves(triton: Any, headers: dict[str, str]) -> None:
    assert triton.is_server_live(headers=headers) and triton.is_server_ready(headers=headers)
    assert {"binary_tensor_data", "model_repository", "statistics"} <= set(
        triton.get_server_metadata(headers=headers)["extensions"]
    )
    metadata = triton.get_model_metadata(ECHO, headers=headers)
    assert metadata["name"] == ECHO and metadata["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": [-1]}]
    assert triton.get_model_metadata(ECHO, "2", headers=headers)["outputs"][0]["datatype"] == "FP32"
    config = triton.get_model_config(ECHO, headers=headers)
    assert config["input"][0]["data_type"] == "TYPE_STRING" and config["version_policy"] == {"all": {}}


def test_load_makes_ready_and_unload_makes_it_not(triton: Any, headers: dict[str, str]) -> None:
    triton.load_model(PAIRS, headers=headers)  # traps 1, 2 and 4: no Content-Type, exactly 200, no slash
    assert triton.is_model_ready(PAIRS, headers=headers)
    states = {(row["name"], row["version"]): row for row in triton.get_model_repository_index(headers=headers)}
    assert states[PAIRS, "1"]["state"] == "READY" and states[PAIRS, "1"]["reason"] == ""

    triton.unload_model(PAIRS, headers=headers)  # trap 7: posts unload_dependents
    assert not triton.is_model_ready(PAIRS, headers=headers)
    states = {(row["name"], row["version"]): row for row in triton.get_model_repository_index(headers=headers)}
    found = states[PAIRS, "1"]
    # Its process may still be on its way out.
    assert found["state"] == "UNLOADING" or (found["state"] == "UNAVAILABLE" and found["reason"])


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False, None])
def test_inference_with_a_name_that_holds_a_slash(
    triton: Any, headers: dict[str, str], binary_in: bool, binary_out: bool | None
) -> None:
    # Traps 5 and 6: two path segments, raw tensors by default.
    outputs = None if binary_out is None else [tritonclient.InferRequestedOutput("embedding", binary_data=binary_out)]
    given = [texts("ab", "ç", binary=binary_in)]
    found = triton.infer(ECHO, given, model_version="1", outputs=outputs, request_id="r-7", headers=headers)

    vectors = found.as_numpy("embedding")
    assert vectors.dtype == np.float32 and vectors.shape == (2, 8)
    assert vectors[0, :3].tolist() == [97.0, 98.0, 0.0] and vectors[1, :2].tolist() == [195.0, 167.0]
    answer = found.get_response()
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("r-7", ECHO, "1")
    assert ("data" in answer["outputs"][0]) == (binary_out is False)


@pytest.mark.parametrize("sent", [None, "gzip", "deflate"])
@pytest.mark.parametrize("answered", [None, "gzip", "deflate"])
def test_bodies_may_be_compressed_both_ways(
    triton: Any, headers: dict[str, str], sent: str | None, answered: str | None
) -> None:
    many = [f"text number {number}" for number in range(400)]  # trap 9
    found = triton.infer(
        ECHO, [texts(*many)], headers=headers, model_version="1",
        request_compression_algorithm=sent, response_compression_algorithm=answered,
    )  # fmt: skip
    assert found.as_numpy("embedding").shape == (400, 8)


def test_pairs_go_in_as_two_tensors_and_scores_come_out(triton: Any, headers: dict[str, str], folder: Path) -> None:
    found = triton.infer(
        PAIRS,
        [texts("who sleeps", "tea"), texts("the cat sleeps", "music", name="text_pair")],
        outputs=[tritonclient.InferRequestedOutput("logit"), tritonclient.InferRequestedOutput("score")],
        headers=headers,
    )
    from tests.orchestrator.test_loaders import reference

    for place, pair in enumerate((("who sleeps", "the cat sleeps"), ("tea", "music"))):
        expected = reference(folder, "AutoModelForSequenceClassification", *pair)[0]
        assert abs(found.as_numpy("logit")[place] - expected) < 1e-5
    assert found.get_output("score")["datatype"] == "FP32"


def test_an_alias_is_asked_for_as_a_version(triton: Any, operator: httpx.Client, headers: dict[str, str]) -> None:
    body = {"name": "canary", "version": "2", "weight": 0}
    assert operator.post(f"/api/v1/models/{ECHO}/aliases", json=body).status_code == 200
    found = triton.infer(ECHO, [texts("x")], model_version="canary", headers=headers)
    assert found.get_response()["model_version"] == "2" and found.as_numpy("embedding").shape == (1, 4)


def test_statistics_count_what_was_asked(triton: Any, headers: dict[str, str]) -> None:
    def count() -> dict[str, Any]:
        (found,) = triton.get_inference_statistics(ECHO, "1", headers=headers)["model_stats"]
        return dict(found)

    def counted(since: int) -> dict[str, Any]:
        """Requests are counted behind their answer."""
        return eventually(lambda: (found := count())["inference_count"] > since and found, within=10) or {}

    triton.infer(ECHO, [texts("before")], model_version="1", headers=headers)
    settled: list[dict[str, Any]] = [counted(0)]
    eventually(lambda: settled.append(count()) or settled[-1] == settled[-2], within=10, every=0.5)
    before = settled[-1]
    triton.infer(ECHO, [texts("a", "b", "c")], model_version="1", headers=headers)
    after = counted(before["inference_count"])
    assert after["inference_count"] - before["inference_count"] == 3
    assert after["inference_stats"]["success"]["count"] - before["inference_stats"]["success"]["count"] == 1
    assert after["inference_stats"]["success"]["ns"] > before["inference_stats"]["success"]["ns"]
    assert after["execution_count"] - before["execution_count"] == 1, "one pass, whatever the number of inputs"
    passes = [{row["batch_size"]: row["compute_infer"] for row in found["batch_stats"]} for found in (before, after)]
    assert passes[1][3]["count"] - passes[0].get(3, {"count": 0})["count"] == 1
    assert passes[1][3]["ns"] > passes[0].get(3, {"ns": 0})["ns"]
    # What a node holds is known by its next sign of life.
    eventually(lambda: triton.get_inference_statistics(headers=headers)["model_stats"], within=10)


def test_priority_and_timeout_are_understood(triton: Any, headers: dict[str, str]) -> None:
    found = triton.infer(ECHO, [texts("x")], model_version="1", priority=1, timeout=5_000_000, headers=headers)
    assert found.as_numpy("embedding").shape == (1, 8)
    with pytest.raises(InferenceServerException, match="No answer within") as late:
        triton.infer(ECHO, [texts("!sleep 2")], model_version="1", timeout=300_000, headers=headers)
    assert late.value.status() == "504"


def test_errors_reach_the_client_as_their_own_words(triton: Any, headers: dict[str, str]) -> None:
    # Trap 3: whatever is not 200 has a JSON body with `error`.
    for work, status, said in (
        (lambda: triton.infer("nothing", [texts("x")], headers=headers), "404", "no model 'nothing'"),
        (lambda: triton.infer(ECHO, [texts("x")], model_version="9", headers=headers), "404", "version or alias '9'"),
        (lambda: triton.infer(ECHO, [texts("!error")], model_version="1", headers=headers), "500", "told to raise"),
        (lambda: triton.infer(PAIRS, [texts("x")], headers=headers), "400", "text, text_pair"),
        (lambda: triton.infer(PAIRS, [texts("x"), texts("a", "b", name="text_pair")], headers=headers), "400", "len"),
        (lambda: triton.load_model("nothing", headers=headers), "404", "no model 'nothing'"),
        (lambda: triton.get_model_metadata("nothing", headers=headers), "404", "no model 'nothing'"),
        (lambda: triton.get_log_settings(headers=headers), "501", "not supported"),
        (lambda: triton.get_trace_settings(ECHO, headers=headers), "501", "not supported"),
        (lambda: triton.get_system_shared_memory_status(headers=headers), "501", "not supported"),
        (lambda: triton.get_server_metadata(), "401", "credentials"),
    ):
        with pytest.raises(InferenceServerException) as caught:
            work()
        assert caught.value.status() == status and said in caught.value.message(), caught.value


def test_without_a_token_nothing_is_ready_and_health_still_answers(triton: Any) -> None:
    assert triton.is_server_live() and triton.is_server_ready()
    assert not triton.is_model_ready(ECHO)  # trap 10: 401 reads as not ready


def test_a_basic_auth_plugin_is_answered_with_401_in_the_right_shape(stack: Stack, operator: httpx.Client) -> None:
    from tritonclient.http.auth import BasicAuth

    client = tritonclient.InferenceServerClient(stack.url.removeprefix("http://"))
    client.register_plugin(BasicAuth(ADMIN[0], ADMIN[1]))  # trap 8: tokens only, and the client is told so
    with pytest.raises(InferenceServerException) as caught:
        client.get_model_repository_index()
    assert caught.value.status() == "401"
    client.close()


@pytest.mark.parametrize("parameters", [{"config": "{}"}, {"files": {"file:1/model.py": b"print(1)"}, "config": "{}"}])
def test_uploads_are_refused(triton: Any, headers: dict[str, str], parameters: dict[str, Any]) -> None:
    with pytest.raises(InferenceServerException, match="never uploaded") as caught:
        triton.load_model(ECHO, headers=headers, **parameters)
    assert caught.value.status() == "400"


def test_users_infer_and_operators_load(stack: Stack, triton: Any, operator: httpx.Client) -> None:
    made = stack.manage("shell", "-c", _MAKE_USER.format(password=PASSWORD))
    assert made.returncode == 0, made.stderr
    with stack.logged_in("triton-user", PASSWORD) as user:
        headers = {"Authorization": user.headers["Authorization"]}
        assert triton.infer(ECHO, [texts("x")], model_version="1", headers=headers)
        for work in (triton.load_model, triton.unload_model):
            with pytest.raises(InferenceServerException) as caught:
                work(ECHO, headers=headers)
            assert caught.value.status() == "403" and "scope" in caught.value.message()


_MAKE_USER = """
from authgateway.testing import make_user
make_user("triton-user", password={password!r})
"""


def test_every_other_address_and_verb_answers_json_with_error(operator: httpx.Client) -> None:
    cases = (
        ("GET", "/v2/nothing", 404), ("GET", "/v2/", 404), ("GET", "/v2/health/live/", 404),
        ("POST", "/v2/health/live", 405), ("GET", f"/v2/models/{ECHO}/infer", 405), ("PUT", "/v2", 405),
        ("GET", "/v2/models/a/b/c/d", 404), ("POST", "/v2/repository/models/x/y/z/load", 404),
    )  # fmt: skip
    for verb, path, status in cases:
        answer = operator.request(verb, path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json"), path
        assert isinstance(answer.json()["error"], str), path


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b"[]", {}, 400),
        (b"{}", {"Inference-Header-Content-Length": "99"}, 400),
        (b"{}", {"Inference-Header-Content-Length": "x"}, 400),
        (b"no gzip", {"Content-Encoding": "gzip"}, 400),
        (b"{}", {"Content-Encoding": "br"}, 400),
        (zlib.compress(b"0" * 40_000_000), {"Content-Encoding": "deflate"}, 413),
        (b'{"inputs": []}', {}, 400),
        (b'{"inputs": [{"name": "text", "datatype": "BYTES", "shape": [2], "data": ["x"]}]}', {}, 400),
        (b'{"inputs": [{"name": "text", "datatype": "INT9", "shape": [1], "data": [1]}]}', {}, 400),
    ],
)
def test_a_broken_body_is_the_senders_mistake(
    operator: httpx.Client, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = operator.post(f"/v2/models/{ECHO}/infer", content=body, headers=headers)
    assert answer.status_code == status and isinstance(answer.json()["error"], str), answer.text
    assert "Content-Encoding" not in answer.headers
