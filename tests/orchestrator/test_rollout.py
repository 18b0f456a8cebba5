"""Versions, aliases and policies: what is served, how traffic is split, and how a failed update changes nothing."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from altlas.kernel.errors import Conflict, InvalidInput
from altlas.kernel.redis import client
from authgateway.testing import bearer, make_user
from orchestrator import exceptions, policies, selectors, services
from orchestrator.models import Alias, CacheEvent, Model, ModelVersion
from orchestrator.policies import Places, Split
from orchestrator.selectors.cluster import PREFIX
from orchestrator.services import operate, rollout
from orchestrator.services.catalogue import failure_record
from orchestrator.services.specs import spec_forget, spec_get
from orchestrator.worker.heartbeat import Heartbeat
from tests.orchestrator.support import Scene
from tests.support.waiting import eventually

REQUESTS = 10_000


@pytest.mark.parametrize("weights", [(90, 10), (99, 1), (50, 50), (34, 33, 33), (1, 2, 97)])
@pytest.mark.parametrize("start", [0.0, 0.123456, 0.999])
def test_a_split_is_exact_to_a_tenth_of_a_percent_over_ten_thousand(weights: tuple[int, ...], start: float) -> None:
    split, places = Split.of(range(len(weights)), weights), Places(start)
    counted = Counter(split.at(places.next()) for _ in range(REQUESTS))
    for choice, weight in enumerate(weights):
        assert abs(counted[choice] / REQUESTS - weight / 100) < 0.001


def register(version: str, **options: Any) -> ModelVersion:
    return services.model_register(name="drill", task="echo", source="echo://", version=version, options=options)


def states(scene: Scene) -> dict[str, str]:
    return {replica["version"]: replica["state"] for replica in scene.replicas("drill")}


class Others:
    def __init__(self, here: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        self._shown = Heartbeat(name="here", supervisor=here.supervisor).report()
        self.asked: list[str | None] = []
        self.dying: set[str] = set()
        self._load = rollout.model_load
        monkeypatch.setattr(rollout, "model_load", self.load)
        monkeypatch.setattr(operate, "_SETTLE_SECONDS", 0.01)  # they do not answer

    def holds(self, node: str, *versions: str, state: str = "ready") -> None:
        held = [{"model": "drill", "version": version, "state": state} for version in versions]
        client("live").set(PREFIX + node, json.dumps({**self._shown, "name": node, "replicas": held}), px=60_000)

    def dies(self, node: str) -> None:
        client("live").delete(PREFIX + node)

    def load(self, *, node: str | None, **wanted: Any) -> dict[str, Any]:
        self.asked.append(node)
        if node in self.dying:
            self.dies(node)
        loads = node in {"other", "third"} - self.dying
        return {"node": node} if loads else self._load(node=node, **wanted)


@pytest.fixture
def others(local_node: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[Others]:
    """Two more nodes: signs of life, and a list of what they were told to load."""
    found = Others(local_node, monkeypatch)
    yield found
    for name in ("other", "third"):
        found.dies(name)


@pytest.mark.django_db
def test_canary_traffic_is_split_within_one_percent_by_the_service(local_node: Scene) -> None:
    for version in ("1", "2"):
        register(version)
    services.alias_set(model="drill", name="stable", version="1")
    services.alias_set(model="drill", name="canary", version="2", weight=10)

    counted = Counter(spec_get(model="drill").key.version for _ in range(REQUESTS))
    assert abs(counted["2"] / REQUESTS - 0.10) < 0.01 and counted["1"] + counted["2"] == REQUESTS

    served = Counter(services.infer(model="drill", inputs=["x"]).version for _ in range(200))
    assert 15 <= served["2"] <= 25


@pytest.mark.django_db
def test_an_alias_that_moves_keeps_its_weight_unless_it_is_given_another(local_node: Scene) -> None:
    for version in ("1", "2"):
        register(version)
    assert services.alias_set(model="drill", name="canary", version="1").weight == 0
    services.alias_set(model="drill", name="canary", version="1", weight=10)
    assert services.alias_set(model="drill", name="canary", version="2").weight == 10
    operator = APIClient(headers=bearer(make_user("grace", superuser=True)))
    for given, weight in (({}, 10), ({"weight": None}, 10), ({"weight": 0}, 0)):
        body = {"name": "canary", "version": "1", **given}
        assert operator.post("/api/v1/models/drill/aliases", body, format="json").json()["weight"] == weight


@pytest.mark.django_db
def test_a_new_version_takes_no_traffic_before_it_has_loaded(local_node: Scene) -> None:
    register("1")
    assert services.infer(model="drill", inputs=["x"]).version == "1"
    services.version_load(model="drill", version="1")
    register("2")
    spec_forget()
    assert services.infer(model="drill", inputs=["x"]).version == "1"
    assert services.infer(model="drill", version="2", inputs=["x"]).version == "2"  # by name it can be tried


@pytest.mark.django_db
def test_promotion_moves_traffic_and_unloads_what_the_policy_leaves_out(local_node: Scene) -> None:
    register("1")
    services.version_load(model="drill", version="1")
    register("2")

    services.version_promote(model="drill", version="2", actor="ada")

    assert services.infer(model="drill", inputs=["x"]).version == "2"
    eventually(lambda: states(local_node) == {"2": "ready"}, within=10)
    with pytest.raises(exceptions.ModelNotFound, match="policy leaves it out"):
        services.infer(model="drill", version="1", inputs=["x"])
    assert CacheEvent.objects.get(reason="update done").inputs == {"before": ["1"]}


@pytest.mark.django_db
@pytest.mark.parametrize("fault", ["permanent", "transient", "crash"])
def test_an_update_that_fails_rolls_back_by_itself_and_says_why(local_node: Scene, fault: str) -> None:
    register("1")
    services.version_load(model="drill", version="1")
    register("2", fail_load=fault)

    with pytest.raises((exceptions.ModelUnloadable, exceptions.ModelUnavailable, exceptions.RunnerCrashed)) as caught:
        services.version_promote(model="drill", version="2")

    assert services.infer(model="drill", inputs=["x"]).version == "1"
    event = CacheEvent.objects.get(kind="refuse", reason__startswith="update rolled back")
    assert event.decision["detail"] == caught.value.detail and event.inputs["before"] == "1"
    assert states(local_node)["1"] == "ready"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "served"),
    [
        ({"version_policy": "latest", "policy_count": 1}, ["3"]),
        ({"version_policy": "latest", "policy_count": 2}, ["3", "2"]),
        ({"version_policy": "all"}, ["3", "2", "1"]),
        ({"version_policy": "specific", "policy_versions": ["1"]}, ["1"]),
    ],
)
def test_a_policy_decides_what_stays_loaded(local_node: Scene, changes: dict[str, Any], served: list[str]) -> None:
    Model.objects.filter(name=register("1").model.name).update(version_policy="all")
    for version in ("1", "2", "3"):
        register(version)
        services.version_load(model="drill", version=version)
    assert states(local_node) == {"1": "ready", "2": "ready", "3": "ready"}

    services.model_change(name="drill", changes=changes)

    assert [row.version for row in selectors.versions_served(model="drill")] == served
    eventually(lambda: sorted(states(local_node)) == sorted(served), within=10)
    assert services.infer(model="drill", inputs=["x"]).version == served[0]


@pytest.mark.django_db
def test_a_version_with_an_alias_stays_served_whatever_the_policy(local_node: Scene) -> None:
    register("1")
    services.alias_set(model="drill", name="old", version="1")
    register("2")
    services.version_promote(model="drill", version="2")
    assert services.infer(model="drill", version="old", inputs=["x"]).version == "1"
    assert services.infer(model="drill", inputs=["x"]).version == "2"

    services.alias_remove(model="drill", name="old")
    eventually(lambda: sorted(states(local_node)) == ["2"], within=10)


@pytest.mark.django_db
def test_a_version_that_is_retired_while_it_is_promoted_does_not_stay_in_memory(
    local_node: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("1", "2"):
        register(version)
    load = rollout.model_load

    def retired_meanwhile(**wanted: Any) -> Any:
        done = load(**wanted)
        services.version_retire(model="drill", version="2")
        return done

    monkeypatch.setattr(rollout, "model_load", retired_meanwhile)
    with pytest.raises(exceptions.ModelNotFound, match="retired meanwhile"):
        services.version_promote(model="drill", version="2")
    eventually(lambda: local_node.replicas("drill") == [], within=10)


@pytest.mark.django_db
def test_a_version_that_is_refused_after_it_has_loaded_does_not_stay_in_memory(local_node: Scene) -> None:
    register("1")
    register("2")
    services.version_load(model="drill", version="2")
    with pytest.raises(InvalidInput, match="2 takes the traffic"):
        services.version_promote(model="drill", version="1")
    eventually(lambda: states(local_node) == {"2": "ready"}, within=10)


@pytest.mark.django_db
def test_what_was_loaded_for_an_alias_that_could_not_move_does_not_stay_in_memory(
    local_node: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    register("1")
    register("2")
    services.version_load(model="drill", version="2")
    load = rollout.model_load

    def others_took_the_weight(**wanted: Any) -> Any:
        done = load(**wanted)
        row = ModelVersion.objects.select_related("model").get(version="2", model__name="drill")
        row.model.aliases.create(name="blue", version=row, weight=95)
        return done

    monkeypatch.setattr(rollout, "model_load", others_took_the_weight)
    with pytest.raises(InvalidInput, match="at most 100"):
        services.alias_set(model="drill", name="canary", version="1", weight=10)
    eventually(lambda: states(local_node) == {"2": "ready"}, within=10)


@pytest.mark.django_db
def test_a_node_that_dies_during_an_update_does_not_stop_it(others: Others) -> None:
    register("1")
    services.version_load(model="drill", version="1")
    register("2")
    others.holds("other", "1")
    others.holds("third", "1")
    others.dying = {"other"}

    services.version_promote(model="drill", version="2")

    assert set(others.asked) == {None, "other", "third"}  # none: the first load, wherever
    assert services.infer(model="drill", version="2", inputs=["x"]).version == "2"
    assert CacheEvent.objects.get(reason="update done").decision == {"after": ["2"]}


@pytest.mark.django_db
def test_an_update_whose_nodes_all_die_can_be_tried_again(others: Others) -> None:
    register("1")
    services.version_load(model="drill", version="1")
    register("2")
    others.holds("other", "1")
    others.holds("third", "1")
    others.dying = {"other", "third"}

    with pytest.raises(exceptions.NodeUnavailable, match="try again"):
        services.version_promote(model="drill", version="2")

    assert services.infer(model="drill", inputs=["x"]).version == "1"
    assert CacheEvent.objects.get(reason="update rolled back: node_unavailable").inputs["before"] == "1"


@pytest.mark.django_db
def test_moving_an_alias_back_is_a_rollback_by_hand(local_node: Scene) -> None:
    register("1")
    services.alias_set(model="drill", name="stable", version="1")
    register("2")
    services.alias_set(model="drill", name="stable", version="2")
    assert services.infer(model="drill", inputs=["x"]).version == "2"
    services.alias_set(model="drill", name="stable", version="1")
    assert services.infer(model="drill", inputs=["x"]).version == "1"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "weight", "nodes"),
    [("old", 0, ["other"]), ("old", 10, ["other", "third"]), ("stable", 0, ["other", "third"])],
)
def test_an_alias_is_proved_where_its_traffic_will_go(others: Others, name: str, weight: int, nodes: list[str]) -> None:
    for version in ("1", "2", "3"):
        register(version)
    services.alias_set(model="drill", name=name, version="1")
    others.holds("other", "1")
    others.holds("third", "3")
    others.asked.clear()

    services.alias_set(model="drill", name=name, version="2", weight=weight)

    assert sorted(filter(None, others.asked)) == nodes
    before = CacheEvent.objects.filter(reason=f"alias {name} moved").order_by("id").values_list("inputs", flat=True)
    assert list(before) == [{"before": None}, {"before": "1"}]


@pytest.mark.django_db
def test_an_alias_that_does_not_move_says_where_it_stays(local_node: Scene) -> None:
    register("1")
    services.alias_set(model="drill", name="stable", version="1")
    register("2", fail_load="permanent")
    Heartbeat(name="here", supervisor=local_node.supervisor).report()
    with pytest.raises(exceptions.ModelUnloadable):
        services.alias_set(model="drill", name="stable", version="2")
    event = CacheEvent.objects.get(reason__startswith="alias stable rolled back")
    assert event.inputs == {"before": "1", "nodes": ["here"]}


@pytest.mark.django_db
def test_weights_beyond_a_hundred_are_refused_before_anything_is_loaded(local_node: Scene) -> None:
    register("1")
    services.alias_set(model="drill", name="stable", version="1", weight=60)
    register("2")
    with pytest.raises(InvalidInput, match="at most 100"):
        services.alias_set(model="drill", name="canary", version="2", weight=50)
    assert sorted(states(local_node)) == ["1"]


@pytest.mark.django_db
def test_a_retired_version_is_gone_and_an_aliased_one_cannot_be_retired(local_node: Scene) -> None:
    register("1")
    services.alias_set(model="drill", name="stable", version="1")
    with pytest.raises(Conflict, match="stable"):
        services.version_retire(model="drill", version="1")
    services.alias_remove(model="drill", name="stable")
    services.version_retire(model="drill", version="1")
    with pytest.raises(exceptions.ModelNotFound):
        services.infer(model="drill", inputs=["x"])
    eventually(lambda: states(local_node) == {}, within=10)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["ready", "org/stats", "infer/x"])
def test_no_model_is_called_like_a_word_of_the_addresses(name: str) -> None:
    with pytest.raises(InvalidInput, match="addresses"):
        services.model_register(name=name, task="echo", source="echo://", version="1")


@pytest.mark.django_db
def test_the_rest_of_the_traffic_goes_to_stable_else_to_the_policys_version() -> None:
    for version in ("1", "2"):
        register(version)
    ModelVersion.objects.filter(model__name="drill").update(status="available")
    rows = list(ModelVersion.objects.filter(model__name="drill").select_related("model").order_by("-number"))

    def shares() -> dict[str, int]:
        aliases = list(Model.objects.get(name="drill").aliases.all())
        return {row.version: weight for row, weight in policies.shares(rows, aliases)}

    assert shares() == {"2": 100}
    model = Model.objects.get(name="drill")
    model.aliases.create(name="canary", version=rows[1], weight=20)
    assert shares() == {"1": 20, "2": 80}
    model.aliases.create(name="stable", version=rows[0], weight=0)
    model.aliases.filter(name="canary").update(weight=0)
    assert shares() == {"2": 100}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("failed", "pointed", "expected"),
    [
        ({"2"}, {"canary": ("2", 10), "stable": ("1", 0)}, {"1": 100}),
        ({"2"}, {"canary": ("2", 10)}, {"3": 100}),
        ({"2"}, {"canary": ("2", 10), "other": ("1", 20)}, {"1": 20, "3": 80}),
        ({"1"}, {"canary": ("2", 10), "stable": ("1", 0)}, {"2": 10, "1": 90}),  # an operator's word
        ({"1"}, {"canary": ("2", 10), "stable": ("1", 60)}, {"2": 10, "1": 90}),
        ({"1", "2"}, {"canary": ("2", 10), "stable": ("1", 0)}, {"1": 100}),
        ({"1", "2", "3"}, {"canary": ("2", 100)}, {"3": 100}),
        ({"3"}, {}, {"2": 100}),
    ],
)
def test_a_failed_version_leaves_its_share_to_the_rest_but_not_that_of_stable(
    failed: set[str], pointed: dict[str, tuple[str, int]], expected: dict[str, int]
) -> None:
    assert shared(failed, pointed) == expected


@pytest.mark.django_db
def test_a_failed_version_is_asked_when_there_is_no_other() -> None:
    nothing = {"version_policy": "specific", "policy_versions": ["gone"]}
    assert shared({"1", "2", "3"}, {"canary": ("2", 10), "blue": ("1", 30)}, **nothing) == {"2": 10, "1": 30}


def shared(failed: set[str], pointed: dict[str, tuple[str, int]], **policy: Any) -> dict[str, int]:
    """Return the shares of three versions, all but the ``failed`` ones proved, with the aliases ``pointed``."""
    rows = {version: register(version) for version in ("1", "2", "3")}
    model = rows["1"].model
    for name, value in policy.items():
        setattr(model, name, value)
    for version, row in rows.items():
        row.model, row.status = model, "failed" if version in failed else "available"
    aliases = [
        Alias(model=model, name=name, version=rows[version], weight=weight)
        for name, (version, weight) in pointed.items()
    ]
    found = Counter[str]()
    for row, weight in policies.shares(list(reversed(rows.values())), aliases):
        found[row.version] += weight
    return dict(found)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("node", "state", "status"),
    [
        ("other", "ready", "available"),
        ("other", "loading", "failed"),
        ("here", "ready", "failed"),
        (None, "", "failed"),
    ],
)
def test_a_version_that_another_node_has_ready_is_not_failed_by_one(
    others: Others, node: str | None, state: str, status: str
) -> None:
    row = register("1")
    ModelVersion.objects.update(status="available")
    if node is not None:
        others.holds(node, "1", state=state)

    failure_record(model="drill", version="1", node="here", detail="its file differs")

    row.refresh_from_db()
    event = CacheEvent.objects.get(reason__startswith="failed")
    assert row.status == status and event.node == "here" and event.decision["detail"] == "its file differs"
    assert event.reason == (
        "failed on this node: others serve it" if status == "available" else "failed: asked all the same"
    )


@pytest.mark.django_db
def test_a_canary_that_fails_costs_no_request_and_a_failed_stable_says_why(local_node: Scene) -> None:
    register("1")
    services.alias_set(model="drill", name="stable", version="1")
    row = register("2", fail_load="permanent")
    row.model.aliases.create(name="canary", version=row, weight=50)  # as it was before its files were changed
    with pytest.raises(exceptions.ModelUnloadable):
        services.infer(model="drill", version="canary", inputs=["x"])
    failure_record(model="drill", version="2", detail="it broke")
    spec_forget()

    assert {services.infer(model="drill", inputs=["x"]).version for _ in range(20)} == {"1"}
    event = CacheEvent.objects.get(reason="failed: others take the traffic")
    assert event.decision == {"detail": "it broke", "after": ["1"]}

    row.model.aliases.filter(name="stable").update(version=row)
    ModelVersion.objects.filter(pk=row.pk).update(status="available")
    failure_record(model="drill", version="2", detail="it broke")
    spec_forget()
    with pytest.raises(exceptions.ModelUnloadable):
        services.infer(model="drill", inputs=["x"])
    assert CacheEvent.objects.get(reason="failed: asked all the same").decision["after"] == ["2"]


@pytest.mark.django_db(transaction=True)
def test_no_request_fails_while_versions_change_under_steady_load(local_node: Scene) -> None:
    register("1")
    services.version_load(model="drill", version="1")
    register("2")
    over, served, failures = threading.Event(), [], []

    def ask() -> None:
        try:
            while not over.is_set():
                served.append(services.infer(model="drill", inputs=["x"], deadline=20).version)
        except Exception as exc:  # whatever it is, it is what this test is about
            failures.append(exc)
        finally:
            connection.close()

    callers = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
    for caller in callers:
        caller.start()
    try:
        eventually(lambda: served or failures, within=20)
        for version in ("2", "3", "4"):
            register(version)
            services.version_promote(model="drill", version=version)
            eventually(lambda wanted=version: wanted in served[-4:] or failures, within=20)  # type: ignore[misc]
    finally:
        over.set()
        for caller in callers:
            caller.join(20)

    assert failures == [] and {"1", "2", "3", "4"} == set(served)
    eventually(lambda: sorted(states(local_node)) == ["4"], within=10)
