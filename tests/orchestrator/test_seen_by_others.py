"""What callers without the operators' scope see: nothing of machines, of where files lie and of other people."""

from __future__ import annotations

import json

import pytest
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from altlas.kernel.redis import client as redis_client
from authgateway.testing import bearer, make_user
from orchestrator import services
from orchestrator.models import LoadJob, Model, ModelVersion, Node
from orchestrator.selectors.cluster import PREFIX
from orchestrator.worker.heartbeat import Heartbeat
from tests.orchestrator.support import Scene

pytestmark = pytest.mark.django_db
PID = 777_000_777
TOLD = ("secret", str(PID))


@pytest.fixture
def everything(drill: str, local_node: Scene) -> None:
    """Secrets wherever there can be some."""
    services.infer(model=drill, inputs=["x"])
    Model.objects.filter(name=drill).update(owner=make_user("secret-owner", password=None))
    row = ModelVersion.objects.get(model__name=drill)
    ModelVersion.objects.filter(pk=row.pk).update(source="folder:///srv/secret", status_reason="by secret-user")
    services.model_register(name="broken", task="echo", source="echo://", version="1")
    LoadJob.objects.update_or_create(
        version=row, node="here", defaults={"requested_by": "secret-user", "error_detail": "/srv/secret"}
    )
    Node.objects.create(name="here", host="secret-host")
    state = Heartbeat(name="here", supervisor=local_node.supervisor).report()
    failure = {"model": "broken", "version": "1", "code": "model_unloadable", "detail": "/srv/secret is no folder"}
    held = [{**replica, "pid": PID} for replica in state["replicas"]]
    told = {**state, "host": "secret-host", "pid": PID, "replicas": held, "failures": [failure]}
    redis_client("live").set(PREFIX + "here", json.dumps(told), px=120_000)


def telling(*scopes: str) -> set[str]:
    """Return the routes that tell something to a superuser whose token has ``scopes``."""
    client = APIClient(headers=bearer(make_user("-".join(scopes).replace(":", ""), superuser=True), scopes))
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    read = [
        path for path, verbs in paths.items() if {"models", "openai", "v2"} & set(verbs.get("get", {}).get("tags", ()))
    ]
    job = LoadJob.objects.get().pk
    answers = {path: client.get(path.format(name="drill", version="1", job=job)) for path in read}
    answers["/v2/repository/index"] = client.generic("POST", "/v2/repository/index")
    assert {answer.status_code for answer in answers.values()} == {200}
    return {path for path, answer in answers.items() if any(word in answer.content.decode() for word in TOLD)}


@pytest.mark.usefixtures("everything")
def test_only_operators_are_told_of_machines_files_and_other_people() -> None:
    assert telling("models:infer") == set()
    assert telling("models:infer", "models:operate") == {
        "/api/v1/cache",
        "/api/v1/jobs",
        "/api/v1/jobs/{job}",
        "/api/v1/models/{name}/versions",
        "/api/v1/models/{name}/versions/{version}",
        "/api/v1/nodes",
        "/v1/models",
        "/v1/models/{name}",
        "/v2/models/{name}/config",
        "/v2/repository/index",
    }


@pytest.mark.usefixtures("everything")
def test_what_is_not_told_is_null_in_the_shape_that_operators_get() -> None:
    user = APIClient(headers=bearer(make_user("ada", password=None)))
    operator = APIClient(headers=bearer(make_user("grace", superuser=True, password=None)))
    for path, null in {
        "/api/v1/models/drill/versions": {"source", "status_reason"},
        "/api/v1/jobs": {"requested_by", "error_detail"},
        "/api/v1/nodes": {"host"},
    }.items():
        (whole,), (less,) = operator.get(path).json()["results"], user.get(path).json()["results"]
        assert less == {**whole, **dict.fromkeys(null)}
    (node,) = user.get("/api/v1/cache").json()["nodes"]
    assert set(node) == {"name", "budget_bytes", "used_bytes", "replicas"} and node["replicas"][0]["pid"] is None
