"""Settings from the environment: typed, bounded, and clear when wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from altlas.kernel import env
from tests.support.stack import ROOT, environment

NAME = "ALTLAS_TEST_SETTING"


@pytest.fixture(autouse=True)
def undeclared_afterwards() -> Any:
    yield
    env.REGISTRY.pop(NAME, None)


@pytest.mark.parametrize(
    ("read", "raw", "value"),
    [
        (lambda: env.integer(NAME, 1, help=""), "7", 7),
        (lambda: env.decimal(NAME, 1.0, help=""), "0.25", 0.25),
        (lambda: env.seconds(NAME, 1, help=""), "1.5", 1.5),
        (lambda: env.flag(NAME, False, help=""), "Yes", True),
        (lambda: env.flag(NAME, True, help=""), "off", False),
        (lambda: env.csv(NAME, help=""), " a, b ,,", ("a", "b")),
        (lambda: env.choice(NAME, "x", choices=("x", "y"), help=""), "y", "y"),
        (lambda: env.size_bytes(NAME, 0, help=""), "512M", 512 * 2**20),
        (lambda: env.size_bytes(NAME, 0, help=""), "1.5 GiB", 3 * 2**29),
        (lambda: env.path(NAME, Path("/x"), help=""), "/tmp/../srv", Path("/tmp/../srv")),
    ],
)
def test_a_value_is_read_as_its_kind(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[], Any], raw: str, value: Any
) -> None:
    monkeypatch.setenv(NAME, raw)
    assert read() == value


@pytest.mark.parametrize("raw", ["", "   "])
def test_an_empty_value_means_the_default(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    monkeypatch.setenv(NAME, raw)
    assert env.integer(NAME, 3, help="") == 3


@pytest.mark.parametrize(
    ("read", "raw"),
    [
        (lambda: env.integer(NAME, 1, minimum=1, maximum=9, help=""), "0"),
        (lambda: env.integer(NAME, 1, minimum=1, maximum=9, help=""), "10"),
        (lambda: env.integer(NAME, 1, help=""), "1.5"),
        (lambda: env.decimal(NAME, 1, help=""), "nan"),
        (lambda: env.seconds(NAME, 1, help=""), "inf"),
        (lambda: env.flag(NAME, True, help=""), "maybe"),
        (lambda: env.choice(NAME, "x", choices=("x",), help=""), "z"),
        (lambda: env.size_bytes(NAME, 1, help=""), "12 parsecs"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[], Any], raw: str
) -> None:
    monkeypatch.setenv(NAME, raw)
    with pytest.raises(env.SettingError) as caught:
        read()
    assert NAME in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_secret_shows_neither_default_nor_value() -> None:
    env.secret(NAME, "hunter2", help="")
    assert "hunter2" not in repr(env.REGISTRY[NAME])


@pytest.mark.parametrize(
    ("command", "name"),
    [("check", "ALTLAS_PORT"), ("check", "ALTLAS_MODEL_MEMORY"), ("up", "ALTLAS_WEB_THREADS"), ("up", "ALTLAS_HOME")],
)
def test_a_wrong_value_stops_the_start_with_one_clear_line(tmp_path: Path, command: str, name: str) -> None:
    wrong = "/proc/nowhere" if name == "ALTLAS_HOME" else "many"
    done = subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=ROOT, env={**environment(tmp_path / "home", 1), name: wrong},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0
    assert wrong in done.stderr
    assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
