"""The catalogue in the admin: registration, aliases, policies, runtimes, each by calling its service."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from authgateway.testing import make_user
from orchestrator import exceptions, services
from orchestrator.models import Alias, CacheEvent, LoadJob, Model, ModelVersion
from tests.orchestrator.support import Scene

pytestmark = pytest.mark.django_db
FIGURES = {
    "accepted": True, "cosine_min": 0.834183, "cosine_mean": 0.938665, "difference_max": 0.08, "torch_ms": 9.5,
    "variant_ms": 2.3, "bytes": 23, "at": "now", "manifest": {},
}  # fmt: skip


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(make_user("grace", superuser=True, password=None))
    return client


def action(name: str, row: Model | ModelVersion) -> str:
    kind = "model" if isinstance(row, Model) else "modelversion"
    return reverse(f"admin:orchestrator_{kind}_{name}", args=[row.pk])


def test_a_version_is_registered_by_its_source_without_an_upload(operator: Client, tmp_path: Path) -> None:
    address = reverse("admin:orchestrator_model_register_version")
    assert b'type="file"' not in operator.get(address).content
    body = {"name": "drill", "task": "echo", "source": "echo://", "version": "1", "description": ""}
    answer = operator.post(address, body, follow=True)
    assert b"drill:1 is registered" in answer.content
    refused = operator.post(address, {**body, "name": "m", "task": "fill-mask", "source": "folder:///nowhere"})
    assert refused.status_code == 200 and "is not there" in refused.content.decode()
    (tmp_path / "x.json").symlink_to("/proc/self/mem")  # opens, and fails when read
    refused = operator.post(address, {**body, "name": "m", "task": "fill-mask", "source": f"folder://{tmp_path}"})
    assert refused.status_code == 200 and "cannot be read" in refused.content.decode()
    assert not Model.objects.filter(name="m").exists()


def test_an_alias_moves_after_its_version_has_loaded(operator: Client, drill: str, local_node: Scene) -> None:
    model = Model.objects.get(name=drill)
    answer = operator.post(action("set_alias", model), {"name": "stable", "version": "1", "weight": 100}, follow=True)
    assert "points at 1 with 100 %" in answer.content.decode()
    assert Alias.objects.get(model=model).weight == 100
    operator.post(action("set_alias", model), {"name": "stable", "version": "1", "weight": ""})
    assert Alias.objects.get(model=model).weight == 100
    assert [replica["state"] for replica in local_node.replicas(drill)] == ["ready"]


def test_pinning_says_that_it_is_done(operator: Client, drill: str) -> None:
    model = Model.objects.get(name=drill)
    for verb, said in (("pin", "drill is pinned"), ("unpin", "drill may be evicted again")):
        body = {"action": verb, "_selected_action": [str(model.pk)]}
        answer = operator.post(reverse("admin:orchestrator_model_changelist"), body, follow=True)
        assert said in answer.content.decode()
        model.refresh_from_db()
        assert model.pinned is (verb == "pin")


def test_a_policy_is_changed(operator: Client, drill: str) -> None:
    model = Model.objects.get(name=drill)
    body = {"version_policy": "specific", "policy_count": 1, "policy_versions": "1, 9"}
    assert "has no version 9" in operator.post(action("set_policy", model), body).content.decode()
    operator.post(action("set_policy", model), {**body, "policy_versions": "1"})
    model.refresh_from_db()
    assert (model.version_policy, model.policy_versions) == ("specific", ["1"])


def test_a_versions_page_shows_what_its_variants_lose_and_switches(operator: Client, drill: str) -> None:
    row = ModelVersion.objects.get(model__name=drill)
    ModelVersion.objects.filter(pk=row.pk).update(variants={"onnx-int8": {"node-1": FIGURES}})
    page = operator.get(reverse("admin:orchestrator_modelversion_change", args=[row.pk])).content.decode()
    assert "cosine 0.834183" in page and "2.3 ms against 9.5 ms" in page
    form = operator.get(action("choose_runtime", row)).content.decode()
    assert "0.834183" in form
    assert "export one first" in operator.post(action("choose_runtime", row), {"runtime": "onnx"}).content.decode()

    operator.post(action("choose_runtime", row), {"runtime": "onnx-int8"})

    row.refresh_from_db()
    assert row.runtime == "onnx-int8"
    event = CacheEvent.objects.get(reason="runtime onnx-int8")
    assert event.actor == "grace" and event.decision["loss"]["node-1"]["cosine_min"] == 0.834183


def test_retiring_asks_first(operator: Client, drill: str) -> None:
    row = ModelVersion.objects.get(model__name=drill)
    assert operator.get(action("retire", row)).status_code == 200
    row.refresh_from_db()
    assert row.status == "registered"
    operator.post(action("retire", row), {"sure": "yes"})
    row.refresh_from_db()
    assert row.status == "retired"


def test_promotion_says_why_it_was_refused(operator: Client, local_node: Scene) -> None:
    services.model_register(
        name="drill", task="echo", source="echo://", version="1", options={"fail_load": "permanent"}
    )
    row = ModelVersion.objects.get(model__name="drill")
    answer = operator.post(action("promote", row), {"sure": "yes"}, follow=True)
    assert "told to fail for good" in answer.content.decode()


def test_staff_without_the_role_see_no_verb(drill: str) -> None:
    client = Client()
    client.force_login(make_user("visitor", staff=True, password=None))
    row = ModelVersion.objects.get(model__name=drill)
    for name in ("choose_runtime", "retire", "promote"):
        assert client.get(action(name, row)).status_code == 403
    row.refresh_from_db()
    assert row.status == "registered"


def test_a_model_is_loaded_and_unloaded_once_that_is_confirmed(operator: Client, drill: str, local_node: Scene) -> None:
    model = Model.objects.get(name=drill)
    assert "Load drill?" in operator.get(action("load_one", model)).content.decode()
    assert local_node.replicas(drill) == []
    answer = operator.post(action("load_one", model), follow=True)
    assert "drill:1 is loaded on here" in answer.content.decode()
    assert [replica["state"] for replica in local_node.replicas(drill)] == ["ready"]
    operator.get(action("unload_one", model))
    assert [replica["state"] for replica in local_node.replicas(drill)] == ["ready"]
    assert "1 process was told to go" in operator.post(action("unload_one", model), follow=True).content.decode()


def test_promotion_is_confirmed(operator: Client, drill: str, local_node: Scene) -> None:
    row = ModelVersion.objects.get(model__name=drill)
    assert "take the traffic" in operator.get(action("promote", row)).content.decode()
    assert "takes the traffic" in operator.post(action("promote", row), follow=True).content.decode()
    row.refresh_from_db()
    assert row.status == "available"


@pytest.mark.parametrize("key", ["garbage", str(UUID(int=0))])
@pytest.mark.parametrize("verb", ["get", "post"])
def test_a_verb_for_a_row_that_there_is_not_is_a_404(operator: Client, key: str, verb: str) -> None:
    names = {
        "model": ("load_one", "unload_one", "set_alias", "set_policy"),
        "modelversion": ("promote", "choose_runtime", "export_onnx", "export_int8", "retire"),
    }
    for kind, actions in names.items():
        for name in actions:
            address = reverse(f"admin:orchestrator_{kind}_{name}", args=[key])
            assert getattr(operator, verb)(address).status_code == 404, address


def test_a_node_that_does_not_answer_is_told_to_the_operator(
    operator: Client, drill: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(**_order: Any) -> None:
        raise exceptions.NodeUnavailable("The node 'n' did not answer within 10 s.")

    monkeypatch.setattr(services, "model_pin", silent)
    monkeypatch.setattr(services, "job_cancel", silent)
    job = LoadJob.objects.create(version=ModelVersion.objects.get(model__name=drill), node="n")
    for address, name, row in (
        ("admin:orchestrator_model_changelist", "pin", Model.objects.get(name=drill)),
        ("admin:orchestrator_model_changelist", "unpin", Model.objects.get(name=drill)),
        ("admin:orchestrator_loadjob_changelist", "cancel_jobs", job),
    ):
        answer = operator.post(reverse(address), {"action": name, "_selected_action": [str(row.pk)]}, follow=True)
        assert answer.status_code == 200 and "did not answer" in answer.content.decode(), name
        assert "jobs that had ended" not in answer.content.decode()
