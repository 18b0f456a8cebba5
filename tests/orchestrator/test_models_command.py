"""``manage.py models``: every verb, as a table and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from orchestrator.management.commands.models import table
from orchestrator.worker.heartbeat import Heartbeat
from tests.orchestrator.support import Scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*words: str, as_json: bool = True) -> Any:
        call_command("models", *words, *(["--json"] if as_json else []))
        said = capsys.readouterr().out
        return json.loads(said) if as_json else said

    return call


def test_a_models_life_from_registration_to_retirement(run: Any, local_node: Scene) -> None:
    register = ("register", "drill", "--task", "echo", "--source", "echo://", "--version")
    made = run(*register, "1")
    assert (made["status"], made["source"]) == ("registered", "echo://")
    assert run("load", "drill")["node"] == "here"
    Heartbeat(name="here", supervisor=local_node.supervisor).report()
    (row,) = run("list", "drill")
    assert (row["version"], row["status"], row["state"], row["runtime"]) == ("1", "available", "READY", "torch")
    assert run("pin", "drill") == {"model": "drill", "pinned": True}
    assert run("pin", "drill", "--off")["pinned"] is False
    assert run("alias", "drill", "stable", "1", "--weight", "60")["weight"] == 60
    assert run("alias", "drill", "stable", "1")["weight"] == 60
    assert "stable:60%" in run("list", "drill", as_json=False)
    assert run("alias", "drill", "stable", "--remove")["removed"]
    run(*register, "2")
    assert run("promote", "drill", "2")["serves"]
    assert run("policy", "drill", "all")["served"] == ["2", "1"]
    assert run("policy", "drill", "specific", "--versions", "2")["served"] == ["2"]
    assert run("retire", "drill", "1")["status"] == "retired"
    assert run("unload", "drill")["replicas"] == 1
    events = run("events", "drill", "--limit", "100")
    assert {"registered", "load", "alias stable moved", "update done", "retired"} <= {e["reason"] for e in events}
    assert {event["actor"] for event in events if event["reason"] == "registered"} == {"command"}
    assert all(event["actor"] in ("command", "") for event in events)
    assert "retired" in run("events", "drill", "--kind", "catalogue", as_json=False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("load", "nothing"), "no model 'nothing'"),
        (("alias", "all-minilm-l6-v2", "stable"), "Name the version"),
        (
            ("register", "m", "--task", "echo", "--source", "echo://", "--version", "1", "--options", "[]"),
            "JSON object",
        ),
        (("register", "m", "--task", "fill-mask", "--source", "ftp://x", "--version", "1"), "/source"),
        (("runtime", "all-minilm-l6-v2", "onnx"), "export one first"),
        (("events", "--limit", "-1"), "--limit counts from 1"),
        (("events", "--limit", "0"), "--limit counts from 1"),
        (("events", "--limit", str(2**63)), "--limit counts from 1"),
        (("policy", "all-minilm-l6-v2", "latest", "--count", str(2**80)), "/policy_count"),
        (("alias", "all-minilm-l6-v2", "stable", "1", "--weight", str(2**80)), "/weight"),
        (("policy", "all-minilm-l6-v2", "latest", "--count", "0"), "/policy_count"),
        (("policy", "all-minilm-l6-v2", "latest", "--count", "99999"), "/policy_count"),
        (("policy", "all-minilm-l6-v2", "specific"), "/policy_versions"),
        (("alias", "all-minilm-l6-v2", "stable", "1", "--weight", "-5"), "/weight"),
        (
            ("register", "m", "--task", "echo", "--source", "echo://", "--version", "1", "--options", '{"a": NaN}'),
            "/options",
        ),
        (
            ("register", "m", "--task=echo", "--source=echo://", "--version=1", '--options={"size_bytes": "abc"}'),
            "/options/size_bytes",
        ),
        (("export-variant", "drill"), "Models for echo cannot be compiled"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(run: Any, drill: str, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(*words)


def test_a_folder_that_cannot_be_read_is_said_in_one_line(run: Any, tmp_path: Path) -> None:
    (tmp_path / "x.json").symlink_to("/proc/self/mem")  # opens, and fails when read
    with pytest.raises(CommandError, match="cannot be read"):
        run("register", "m", "--task", "fill-mask", "--source", f"folder://{tmp_path}", "--version", "1")


@pytest.mark.parametrize("last", ["-1", str(2**63)])
def test_a_replay_of_fewer_than_no_decisions_or_of_endless_ones_is_refused(last: str) -> None:
    with pytest.raises(CommandError, match="--last counts from 0"):
        call_command("decisions", "replay", "--last", last)


def test_a_table_lines_up_its_columns() -> None:
    rows = [{"model": "a", "pinned": True, "loads": 10}, {"model": "longer", "pinned": False, "loads": None}]
    assert table(rows).splitlines() == ["model   pinned  loads", "a       yes     10", "longer"]
    assert table([]) == "nothing found"
