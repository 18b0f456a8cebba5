"""``manage.py memory`` on a running installation: profile, soak, interruption, report."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.runner.shapes import LIMIT
from tests.support.stack import ROOT, Stack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def test_a_profile_names_what_grows_in_the_processes(stack: Stack, tmp_path: Path) -> None:
    done = stack.manage("memory", "profile", "--load=low", "--requests=12", "--model=tiny", f"--out={tmp_path}")
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "profile-low.json").read_text())
    assert record["failed"] == 0
    assert record["curve"]["mebibytes"][-1] > 100
    kinds = {found["kind"] for found in record["after"].values()}
    assert {"runner", "worker", "web", "forkserver"} <= kinds
    assert 0 < record["told"]["shapes"] <= LIMIT
    assert record["told"]["tensors"] == 0
    assert {"runner", "worker"} == set(record["growth"])
    assert any("line" in row for row in record["growth"]["worker"]["lines"])
    assert (tmp_path / "profile.png").stat().st_size > 1000
    assert (tmp_path / "profile.svg").read_text().startswith("<?xml")


def test_a_soak_gives_a_verdict_for_every_process_and_the_report_is_made_from_its_record(
    stack: Stack, tmp_path: Path
) -> None:
    done = stack.manage("memory", "soak", "--requests=60", "--model=tiny", f"--out={tmp_path}")
    assert done.returncode in (0, 1), done.stderr  # so short a run decides nothing about the product
    record = json.loads((tmp_path / "soak.json").read_text())
    assert (record["requests"], record["failed"]) == (60, 0)
    assert record["answer"] in done.stdout
    kinds = {process["kind"] for process in record["processes"].values()}
    assert {"runner", "worker", "web"} <= kinds
    assert all(len(process["requests"]) == 60 for process in record["processes"].values())
    report = tmp_path / "report.md"
    made = stack.manage("memory", "report", f"--runs={tmp_path}", f"--to={report}")
    assert made.returncode == 0, made.stderr
    assert f"## Long run `soak`: {record['answer']}" in report.read_text()
    assert (tmp_path / "seg-042-soak.svg").exists()


def test_a_soak_that_is_interrupted_judges_what_there_is(stack: Stack, tmp_path: Path) -> None:
    command = [sys.executable, "manage.py", "memory", "soak", "--requests=2000", "--model=tiny", f"--out={tmp_path}"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=dict(stack.environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    record = tmp_path / "soak.json"
    try:
        eventually(record.exists, within=120)  # the first is kept on the way
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=120)  # what is under way may itself wait for 60 s
    finally:
        process.kill()
        process.communicate()
    assert "stopped after" in said
    found = json.loads(record.read_text())
    assert 0 < found["requests"] < found["asked"] == 2000
    assert found["answer"] in ("LEAK", "CLEAN", "INCONCLUSIVE")


def test_what_cannot_be_measured_is_refused_in_one_line(stack: Stack) -> None:
    unknown = stack.manage("memory", "soak", "--requests=5", "--model=no-such-model")
    assert unknown.returncode == 1
    assert "no model 'no-such-model'" in unknown.stderr
    nothing = stack.manage("memory", "soak", "--requests=-1")
    assert "at least one request" in nothing.stderr
