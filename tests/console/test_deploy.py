"""What deploy/ holds can be loaded by the programs it is for, and speaks of settings and metrics that exist."""

from __future__ import annotations

import configparser
import inspect
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from django.urls import reverse
from prometheus_client import REGISTRY

from altlas.kernel import env
from orchestrator.runner.shapes import LIMIT
from orchestrator.supervisor import policy
from tests.support import rules
from tests.support.stack import ROOT

DEPLOY = ROOT / "deploy"
BASE = DEPLOY / "kubernetes" / "base"
# Objects of the cluster's own kinds; Kustomize's files and the Prometheus operator's are none of them.
FOREIGN = {"Kustomization", "PrometheusRule", "PodMonitor"}


def documents(path: Path) -> list[dict[str, Any]]:
    return [found for found in yaml.safe_load_all(path.read_text()) if found]


def manifests() -> list[dict[str, Any]]:
    files = documents(BASE / "kustomization.yaml")[0]["resources"]
    return [found for name in files for found in documents(BASE / name)]


def containers() -> dict[str, dict[str, Any]]:
    specs = [found["spec"]["template"]["spec"] for found in manifests() if "template" in found.get("spec", {})]
    return {container["name"]: container for spec in specs for container in spec["containers"]}


@pytest.mark.parametrize(
    ("route", "names", "waits"),
    [
        ("model-load", {"name": "org/model"}, True),
        ("model-aliases", {"name": "model"}, True),
        ("model-alias", {"name": "model", "alias": "canary"}, True),
        ("model-promote", {"name": "model", "version": "2"}, True),
        ("node-drain", {"name": "a"}, True),
        ("admin:orchestrator_node_order", {}, True),
        ("model-infer", {"name": "model"}, False),
    ],
)
def test_nginx_waits_longer_for_what_waits_for_a_load(route: str, names: dict[str, str], waits: bool) -> None:
    (found,) = re.findall(r"location ~ (\S+) \{[^}]*proxy_read_timeout", (DEPLOY / "nginx" / "altlas.conf").read_text())
    assert bool(re.match(found, reverse(route, kwargs=names))) is waits


@pytest.mark.parametrize("path", sorted(DEPLOY.glob("kubernetes/**/*.yaml")), ids=lambda path: path.name)
def test_kubernetes_manifests_fit_the_schemas_of_kubernetes(path: Path) -> None:
    for found in documents(path):
        if found["kind"] not in FOREIGN:
            kubernetes_validate.validate(found, "1.29", strict=True)


def test_a_manifest_that_does_not_fit_is_found() -> None:
    web = next(found for found in manifests() if found["kind"] == "Deployment")
    web["spec"]["replicas"] = "two"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(web, "1.29", strict=True)


@pytest.mark.parametrize("path", sorted(DEPLOY.glob("kubernetes/**/kustomization.yaml")), ids=lambda p: p.parent.name)
def test_kustomizations_name_files_and_objects_that_exist(path: Path) -> None:
    found = documents(path)[0]
    for name in found["resources"]:
        assert (path.parent / name).exists(), name
    names = {(item["kind"], item["metadata"]["name"]) for item in manifests()}
    for patch in found.get("patches", []):
        assert (patch["target"]["kind"], patch["target"]["name"]) in names
    for replica in found.get("replicas", []):
        assert replica["name"] in {name for _, name in names}


def test_selectors_meet_their_pods_and_the_autoscaler_its_deployment() -> None:
    found = manifests()
    for item in found:
        spec = item.get("spec", {})
        if item["kind"] in ("Deployment", "StatefulSet"):
            labels = spec["template"]["metadata"]["labels"]
            assert spec["selector"]["matchLabels"].items() <= labels.items()
        if item["kind"] == "HorizontalPodAutoscaler":
            target = spec["scaleTargetRef"]
            assert any((o["kind"], o["metadata"]["name"]) == (target["kind"], target["name"]) for o in found)
    beat = next(item for item in found if item["metadata"]["name"] == "altlas-beat")
    assert (beat["spec"]["replicas"], beat["spec"]["strategy"]["type"]) == (1, "Recreate")


def test_pods_are_bounded_unprivileged_and_have_time_to_drain() -> None:
    for container in containers().values():
        assert container["resources"]["limits"]["memory"]
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
    node = next(item for item in manifests() if item["kind"] == "StatefulSet")
    assert node["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > 120
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= containers()["web"].keys()


def test_every_program_and_setting_in_deploy_exists() -> None:
    import altlas.settings  # noqa: F401  # declares them
    from altlas.supervisor.programs import NAMES

    text = "\n".join(path.read_text() for path in DEPLOY.rglob("*") if path.is_file())
    for programs in re.findall(r"--programs=([a-z,]+)", text):
        assert set(programs.split(",")) <= set(NAMES)
    used = set(re.findall(r"\b(ALTLAS_[A-Z_]+|DATABASE_URL|REDIS_URL)\b", text))
    assert used <= env.REGISTRY.keys(), used - env.REGISTRY.keys()


def programs(command: str) -> set[str]:
    return set(re.findall(r"--programs=([a-z,]+)", command)[0].split(","))


def test_every_node_serves_its_own_metrics() -> None:
    """They lie in ALTLAS_HOME, and nodes share it with no web process of another container or unit."""
    compose = documents(DEPLOY / "compose.yaml")[0]["services"]
    unit = (DEPLOY / "systemd" / "altlas-node@.service").read_text()
    commands = [" ".join(compose["node"]["command"]), unit, " ".join(containers()["node"]["args"])]
    assert [programs(command) for command in commands] == [{"worker", "web"}] * 3
    assert compose["node"]["environment"]["ALTLAS_HOST"] == "0.0.0.0"  # of its container


def test_prometheus_asks_every_container_that_serves_metrics() -> None:
    (job,) = documents(rules.PROMETHEUS / "prometheus.yml")[0]["scrape_configs"]
    ports = [
        port
        for service in documents(DEPLOY / "compose.yaml")[0]["services"].values()
        for port in service.get("ports", [])
    ]
    assert {port.rpartition(":")[0] for port in ports} == set(job["static_configs"][0]["targets"])


def test_the_alert_on_targets_that_are_down_knows_their_job() -> None:
    (known,) = re.findall(r'up\{job="(\w+)"\}', alerts()["AltlasDown"]["expr"])
    (job,) = documents(rules.PROMETHEUS / "prometheus.yml")[0]["scrape_configs"]
    overlay = DEPLOY / "kubernetes" / "overlays" / "example"
    (monitor,) = documents(overlay / "prometheus-targets.yaml")
    assert "prometheus-targets.yaml" in documents(overlay / "kustomization.yaml")[0]["resources"]
    labels = documents(BASE / "kustomization.yaml")[0]["labels"][0]["pairs"]  # of every pod
    assert known == job["job_name"] == labels[monitor["spec"]["jobLabel"]]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    asked = {
        name for name, item in containers().items() if endpoint["port"] in [p["name"] for p in item.get("ports", [])]
    }
    assert asked == {"web", "node"}


def test_pods_that_prometheus_asks_answer_to_their_own_address() -> None:
    for name in ("web", "node"):
        given = {item["name"]: item for item in containers()[name]["env"]}
        assert given["POD_IP"]["valueFrom"]["fieldRef"]["fieldPath"] == "status.podIP"
        assert given["ALTLAS_ALLOWED_HOSTS"]["value"] == "$(HOSTS),$(POD_IP)"
        # Only what stands before it is put in.
        assert list(given)[:3] == ["POD_IP", "HOSTS", "ALTLAS_ALLOWED_HOSTS"]


def test_compose_refers_to_services_and_volumes_that_exist() -> None:
    found = documents(DEPLOY / "compose.yaml")[0]
    services, volumes = found["services"], found["volumes"]
    assert {"web", "node", "beat", "migrate", "postgres", "redis"} <= services.keys()
    for service in services.values():
        assert set(service.get("depends_on", {})) <= services.keys()
        for mount in service.get("volumes", []):
            assert mount.split(":")[0] in volumes
        for name, condition in service.get("depends_on", {}).items():
            if condition["condition"] == "service_healthy":
                assert "healthcheck" in services[name]


@pytest.mark.parametrize("path", sorted(DEPLOY.glob("systemd/*.service")), ids=lambda path: path.name)
def test_systemd_units_can_be_parsed_and_start_our_command(path: Path) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # names are case-sensitive
    unit.read_string(path.read_text())
    assert "manage.py up" in unit["Service"]["ExecStart"]
    assert int(unit["Service"]["TimeoutStopSec"]) >= 120
    if shutil.which("systemd-analyze"):
        done = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False)
        assert "Unknown" not in done.stderr, done.stderr


def metric_names(expression: str) -> set[str]:
    bare = re.sub(r'"[^"]*"|\{\{.*?\}\}|\[[^\]]*\]', "", expression)
    return set(re.findall(r"\b(?:altlas|archive|django)[a-z_:0-9]*\b", bare))


def known_metrics() -> set[str]:
    from django_prometheus.middleware import Metrics

    import altlas.urls  # noqa: F401  # imports what declares them
    import orchestrator.watch.metrics  # noqa: F401  # the node worker's

    Metrics.get_instance()  # as the middleware does

    found = set()
    for family in REGISTRY.collect():
        found |= {family.name, f"{family.name}_total", *(f"{family.name}_{end}" for end in ("bucket", "sum", "count"))}
    return found


def rule_groups() -> list[dict[str, Any]]:
    return [group for path in rules.files() for group in documents(path)[0]["groups"]]


def alerts() -> dict[str, dict[str, Any]]:
    found = [rule for group in rule_groups() for rule in group["rules"] if "alert" in rule]
    assert len({rule["alert"] for rule in found}) == len(found) > 30
    return {rule["alert"]: rule for rule in found}


@pytest.mark.django_db
def test_rules_and_dashboard_use_metrics_that_exist() -> None:
    found = [rule for group in rule_groups() for rule in group["rules"]]
    recorded = {rule["record"] for rule in found if "record" in rule}
    dashboard = json.loads((DEPLOY / "grafana" / "altlas.json").read_text())
    expressions = [rule["expr"] for rule in found]
    expressions += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    used = set().union(*map(metric_names, expressions))
    assert len(used) > 20
    assert used - recorded <= known_metrics(), used - recorded - known_metrics()


def test_every_alert_has_a_severity_and_says_what_is_wrong() -> None:
    for rule in alerts().values():
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        assert rule["annotations"]["summary"]


def test_the_alert_on_shapes_knows_how_many_a_grid_has() -> None:
    assert alerts()["AltlasRunnerShapes"]["expr"] == f"altlas_runner_shapes > {LIMIT}"


def test_the_operators_rules_are_those_of_the_plain_files() -> None:
    operator = documents(rules.OBJECT)[0]
    assert operator["spec"]["groups"] == rule_groups()
    assert rules.OBJECT.read_text(encoding="utf-8") == rules.composed()


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "altlas.json").read_text())
    assert dashboard["schemaVersion"] >= 36
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]}
    assert len(places) == len(ids)
    for panel in dashboard["panels"]:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["targets"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_alerts_fire_for_what_they_are_for_and_not_for_what_looks_like_it() -> None:
    scenes = Path(__file__).with_name("alerts.test.yml")
    done = subprocess.run(["promtool", "test", "rules", scenes], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_alert_on_thrashing_knows_every_reason_to_evict_for_another_model() -> None:
    (known,) = re.findall(r'reason=~"([^"]+)"', alerts()["AltlasModelCacheThrashes"]["expr"])
    assert set(known.split("|")) == set(re.findall(r'EVICT, reason="(\w+)"', inspect.getsource(policy.admit)))


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_loads_rules_and_configuration(tmp_path: Path) -> None:
    shutil.copytree(rules.PROMETHEUS, tmp_path / "prometheus")
    token = tmp_path / "altlas.token"
    token.write_text("x")
    configuration = tmp_path / "prometheus" / "prometheus.yml"
    configuration.write_text(configuration.read_text().replace("/etc/prometheus/altlas.token", str(token)))
    done = subprocess.run(["promtool", "check", "config", configuration], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for path in rules.files():  # the configuration loads each of them
        assert f"Checking {tmp_path / 'prometheus' / path.name}" in done.stdout
