"""Registration: what a version may be called, what cannot be stored, coming back, and several at once."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.urls import Resolver404, URLPattern, get_resolver, resolve
from rest_framework.test import APIClient

from altlas.kernel.errors import InvalidInput
from authgateway.testing import bearer, make_user
from orchestrator import exceptions, services
from orchestrator.models import Alias, CacheEvent, Model, ModelVersion
from orchestrator.services.catalogue import RESERVED
from tests.orchestrator.support import Scene

ECHO = {"task": "echo", "source": "echo://", "version": "1"}


@pytest.fixture
def operator() -> APIClient:
    return APIClient(headers=bearer(make_user("grace", superuser=True)))


def register(version: str = "1", **changes: Any) -> ModelVersion:
    return services.model_register(**{"name": "drill", **ECHO, "version": version, **changes})


def pointers(answer: Any) -> list[str]:
    assert answer.status_code == 400, answer.content
    return [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.django_db
def test_a_version_is_not_called_as_an_alias_is(operator: APIClient, local_node: Scene) -> None:
    register("1")
    services.alias_set(model="drill", name="canary", version="1", weight=100)
    answer = operator.post("/api/v1/models", {"name": "drill", **ECHO, "version": "canary"}, format="json")
    assert answer.status_code == 409 and "is an alias" in answer.json()["detail"]
    assert services.infer(model="drill", version="canary", inputs=["x"]).version == "1"


@pytest.mark.django_db
def test_an_alias_is_not_called_as_a_version_is(local_node: Scene) -> None:
    register("one")
    register("two")
    with pytest.raises(InvalidInput, match="is a version"):
        services.alias_set(model="drill", name="one", version="two")
    assert not Alias.objects.exists()


@pytest.mark.django_db
def test_a_retired_version_comes_back_with_the_same_content_only(local_node: Scene) -> None:
    register("1", options={"dimension": 4})
    services.version_retire(model="drill", version="1")
    with pytest.raises(exceptions.ModelExists):
        register("1", options={"dimension": 5})

    assert register("1", options={"dimension": 4}).status == "registered"

    assert services.infer(model="drill", version="1", inputs=["x"]).outputs.shape == (1, 4)
    assert CacheEvent.objects.filter(model="drill", version="1", reason="registered again").exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ('"options": {"size_bytes": "abc"}', "/options/size_bytes"),
        ('"options": {"size_bytes": null}', "/options/size_bytes"),
        ('"options": {"size_bytes": [1]}', "/options/size_bytes"),
        ('"options": {"size_bytes": -1}', "/options/size_bytes"),
        ('"options": {"size_bytes": 1e300}', "/options/size_bytes"),
        (r'"options": {"x": ["\u0000"]}', "/options/x/0"),
        (r'"options": {"x": "\ud800"}', "/options/x"),
        (r'"options": {"\ud800": 1}', "/options"),
        (r'"description": "\ud800"', "/description"),
        (r'"source": "folder://[x/y", "task": "fill-mask"', "/source"),
        (r'"source": "package://[x/y", "task": "fill-mask"', "/source"),
        (r'"source": "hf://[x/y", "task": "fill-mask"', "/source"),
        (f'"source": "folder:///{"a" * 500}", "task": "fill-mask"', "/source"),
    ],
)
def test_what_cannot_be_kept_is_named(operator: APIClient, members: str, pointer: str) -> None:
    body = json.dumps({"name": "m", **ECHO})[:-1] + f", {members}}}"
    assert pointers(operator.post("/api/v1/models", body, content_type="application/json")) == [pointer]
    assert not Model.objects.filter(name="m").exists()


def weights(folder: Path, header: Any) -> Path:
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(4))
    return folder


GOOD = {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}


def unreadable(folder: Path) -> None:
    (folder / "x.json").symlink_to("/proc/self/mem")  # opens, and fails when read


def misnamed(folder: Path) -> None:
    (Path(os.fsdecode(os.fsencode(folder) + b"/\xff.json"))).write_text("{}")


def code(folder: Path) -> None:
    (Path(os.fsdecode(os.fsencode(folder) + b"/\xff.py"))).write_text("")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("header", "config", "spoil", "said"),
    [
        (GOOD, {}, unreadable, "cannot be read"),
        (GOOD, {}, misnamed, "lone surrogate"),
        (GOOD, {}, code, "could run code"),
        ([1], {}, None, "no safetensors file"),
        (5, {}, None, "no safetensors file"),
        ({"a": {"dtype": "F32", "shape": [float("inf")], "data_offsets": [0, 4]}}, {}, None, "no safetensors file"),
        (GOOD, {"hidden_size": "abc"}, None, "hidden_size"),
        (GOOD, {"hidden_size": [1]}, None, "hidden_size"),
        (GOOD, {"n_layer": -1}, None, "n_layer"),
        (GOOD, {"vocab_size": {"a": 1}}, None, "vocab_size"),
    ],
)
def test_a_folder_that_cannot_be_understood_is_refused(
    operator: APIClient, tmp_path: Path, header: Any, config: Any, spoil: Any, said: str
) -> None:
    weights(tmp_path, header)
    (tmp_path / "config.json").write_text(json.dumps(config))
    if spoil:
        spoil(tmp_path)
    body = {"name": "m", "task": "fill-mask", "source": f"folder://{tmp_path}", "version": "1"}
    answer = operator.post("/api/v1/models", body, format="json")
    assert pointers(answer) == ["/source"] and said in answer.json()["detail"]


@pytest.mark.django_db(transaction=True)
def test_of_many_first_registrations_at_once_each_gets_the_version() -> None:
    for number in range(5):
        barrier, answers = threading.Barrier(6), []

        def post(name: str, barrier: threading.Barrier, answers: list[Any]) -> None:
            try:
                barrier.wait(10)
                answers.append(register(name=name).pk)
            except Exception as exc:  # whatever it is, it is what this test is about
                answers.append(exc)
            finally:
                connection.close()

        callers = [threading.Thread(target=post, args=(f"m{number}", barrier, answers)) for _ in range(6)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(20)
        assert answers == [ModelVersion.objects.get(model__name=f"m{number}").pk] * 6


def routes(patterns: list[Any], before: str = "") -> list[str]:
    found = []
    for pattern in patterns:
        address = before + str(pattern.pattern)
        found += [address] if isinstance(pattern, URLPattern) else routes(pattern.url_patterns, address)
    return found


def test_no_model_is_called_what_another_route_answers() -> None:
    """A model's own address must lead to the model: `org/cancel` would be the cancelling of `org`."""
    known = [address for address in routes(get_resolver().url_patterns) if "models/" in address]
    assert len(known) > 30
    words = {part for address in known for part in address.strip("^$").split("/") if part.isidentifier()}
    taken = set()
    for word in words:
        for name in (word, f"org/{word}"):
            for address in (f"/api/v1/models/{name}", f"/v1/models/{name}", f"/v2/models/{name}"):
                try:
                    if resolve(address).kwargs != {"name": name}:
                        taken.add(word)
                except Resolver404:
                    taken.add(word)
    assert {"recycle", "cancel", "infer", "stats"} <= taken <= RESERVED


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["cancel", "org/recycle"])
def test_a_reserved_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="stands for something else"):
        register(name=name)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"version_policy": "specific"}, "/policy_versions"),
        ({"version_policy": "specific", "policy_versions": []}, "/policy_versions"),
        ({"policy_count": 0}, "/policy_count"),
        ({"policy_count": -1}, "/policy_count"),
        ({"policy_count": 99_999}, "/policy_count"),
    ],
)
def test_a_policy_that_serves_nothing_is_refused(drill: str, changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        services.model_change(name=drill, changes=changes)
    assert [error.pointer for error in caught.value.errors] == [pointer]
    assert Model.objects.get(name=drill).version_policy == "latest"


@pytest.mark.django_db
def test_the_last_version_of_a_specific_policy_is_not_taken_from_it(drill: str) -> None:
    services.model_change(name=drill, changes={"version_policy": "specific", "policy_versions": ["1"]})
    with pytest.raises(InvalidInput):
        services.model_change(name=drill, changes={"policy_versions": []})
    services.model_change(name=drill, changes={"description": "kept"})


@pytest.mark.django_db
@pytest.mark.parametrize(("given", "pointer"), [({"weight": -5}, "/weight"), ({"name": "A b"}, "/name")])
def test_an_alias_that_cannot_be_names_what_is_wrong(drill: str, given: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        services.alias_set(model=drill, version="1", **{"name": "stable", **given})
    assert [error.pointer for error in caught.value.errors] == [pointer]


@pytest.mark.django_db
@pytest.mark.parametrize("verb", ["cancel", "recycle"])
def test_no_order_is_given_for_a_model_that_there_is_not(operator: APIClient, local_node: Scene, verb: str) -> None:
    answer = operator.post(f"/api/v1/models/nope/{verb}", {}, format="json")
    assert answer.status_code == 404 and answer.json()["code"] == "model_not_found"
    assert not CacheEvent.objects.filter(model="nope").exists()
