"""Every verification against a running installation: green as it is, red when what it verifies is broken.

Two commands, each with every other verification sabotaged: those turn red, and the rest stays green.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from altlas.kernel.verification import registered
from tests.support.stack import ROOT, Stack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def verify(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "verify", *arguments],
        cwd=ROOT, env=dict(stack.environment), capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip


def verdicts(output: str) -> dict[str, tuple[bool, str]]:
    """Return name -> (whether it was a drill, status)."""
    names = {verification.name for verification in registered()}
    found = {}
    for line in output.splitlines():
        words = line.split()
        if words and words[0] in names:
            drill = "(drill)" in words
            found[words[0]] = (drill, words[3 if drill else 2])
    return found


@pytest.mark.parametrize("half", [0, 1])
def test_a_sabotage_turns_its_own_verification_red_and_no_other(stack: Stack, half: int) -> None:
    names = [verification.name for verification in registered()]
    broken = names[half::2]
    done = verify(stack, "--load", "low", *(part for name in broken for part in ("--sabotage", name)))
    found = verdicts(done.stdout)
    told = f"{done.stdout}\n{done.stderr[-3000:]}"
    assert found == {name: (True, "failed") if name in broken else (False, "passed") for name in names}, told
    assert done.returncode == 1, told


def test_runs_leave_nothing_behind_but_their_rows(stack: Stack) -> None:
    done = verify(stack, "archive.cache", "--load", "low")
    assert done.returncode == 0, done.stdout + done.stderr
    with stack.logged_in() as client:
        everything = client.get("/api/v1/archive/records", params={"owner": "*", "ordering": "-id", "limit": 200})
        kept = [row for row in everything.json()["results"] if row["title"].startswith("just written")]
        models = [model["name"] for model in client.get("/api/v1/models").json()["results"]]
        assert kept == []
        assert not [name for name in models if name.startswith("verification/")]

        def held() -> list[str]:
            nodes = client.get("/api/v1/cache").json()["nodes"]
            names = [replica["model"] for node in nodes for replica in node["replicas"]]
            return [name for name in names if name.startswith("verification/")]

        # What a last request had loaded after its model was deleted goes with a later heartbeat.
        eventually(lambda: held() == [], within=60)


def test_the_command_tells_what_it_does_not_know(stack: Stack) -> None:
    assert "There is no verification 'nothing'" in verify(stack, "nothing").stderr
    assert "not among what is run" in verify(stack, "archive", "--sabotage", "authgateway.audit").stderr
    listed = verify(stack, "--list").stdout
    assert all(verification.name in listed and verification.fault in listed for verification in registered())
