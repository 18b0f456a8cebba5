"""The supervisor of one machine: children die, hang, talk and stop."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from altlas.supervisor.backoff import HEALTHY_AFTER, LONGEST_DELAY, RestartHistory
from altlas.supervisor.output import LineOutput
from altlas.supervisor.program import Program
from altlas.supervisor.supervisor import Supervisor
from tests.support.processes import gone
from tests.support.waiting import eventually


def script(name: str, code: str, **options: object) -> Program:
    return Program(name=name, command=[sys.executable, "-c", code], **options)  # type: ignore[arg-type]


SLEEPS = "import signal; print('up', flush=True); signal.pause()"


def run(programs: list[Program], until: Callable[[Supervisor, str], bool]) -> str:
    """Run the programs until ``until`` says so (at most about 30 s); return what was written."""
    stream = io.StringIO()
    ticks = 0

    def tick(supervisor: Supervisor) -> None:
        nonlocal ticks
        ticks += 1
        if until(supervisor, stream.getvalue()) or ticks > 3000:
            supervisor.stop()

    Supervisor(programs, output=LineOutput(width=4, stream=stream), on_tick=tick).run()
    assert ticks <= 3000, stream.getvalue()
    return stream.getvalue()


def test_delays_double_up_to_a_bound_and_a_healthy_run_begins_anew() -> None:
    history, delays = RestartHistory(), []
    for _ in range(12):
        history = history.after(ran_for=0.1)
        delays.append(history.delay)
    assert delays[:4] == [0.5, 1.0, 2.0, 4.0]
    assert max(delays) == delays[-1] == LONGEST_DELAY
    assert history.after(ran_for=HEALTHY_AFTER).delay == 0.5


def test_a_program_that_dies_is_started_again_and_its_last_words_are_shown(tmp_path: Path) -> None:
    marker = tmp_path / "been-here"
    code = f"""
import pathlib, signal, sys
if not (marker := pathlib.Path({str(marker)!r})).exists():
    marker.write_text('')
    sys.stdout.write('last words without an end of line')
    sys.exit(3)
print('second life', flush=True)
signal.pause()
"""
    written = run([script("one", code)], lambda _, text: "second life" in text)
    assert "one  | last words without an end of line" in written
    assert "one ended with status 3; starting again in 0.5 s" in written


def test_a_program_of_one_run_is_not_started_again_and_leaves_its_status() -> None:
    seen: dict[str, int] = {}

    def until(supervisor: Supervisor, _: str) -> bool:
        seen.update(supervisor.finished)
        return "job" in seen

    run([script("job", "raise SystemExit(5)", once=True), script("one", SLEEPS)], until)
    assert seen == {"job": 5}


def test_stopping_ends_grandchildren_and_whoever_ignores_the_signal() -> None:
    stubborn = (
        "import signal, subprocess, sys\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        "print('pids', child.pid, flush=True)\nsignal.pause()\n"
    )
    written = run([script("hard", stubborn, stop_within=0.3)], lambda _, text: "pids" in text)
    assert "hard did not stop in time and is killed" in written
    grandchild = int(written.split("pids ")[1].split()[0])
    eventually(lambda: gone(grandchild), within=20)


def test_programs_stop_in_reverse_order() -> None:
    code = (
        "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: (print('bye', flush=True), sys.exit()))\n"
        "print('up', flush=True)\nwhile True: signal.pause()\n"
    )
    written = run([script("a", code), script("b", code)], lambda _, text: text.count("up") >= 2)
    byes = [line.split()[0] for line in written.splitlines() if line.endswith("bye")]
    assert byes == ["b", "a"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything(number: signal.Signals) -> None:
    sent = False

    def until(_: Supervisor, text: str) -> bool:
        nonlocal sent
        if "up" in text and not sent:
            sent = True
            os.kill(os.getpid(), number)
        return False

    assert "one  | up" in run([script("one", SLEEPS)], until)
    assert sent


def test_a_line_without_end_does_not_grow_for_ever() -> None:
    stream = io.StringIO()
    output = LineOutput(width=1, stream=stream)
    reading, writing = os.pipe()
    for _ in range(10):
        os.write(writing, b"x" * 10_000)
        output.read("p", reading)
    os.close(writing)
    while output.read("p", reading):
        pass
    os.close(reading)
    assert len(stream.getvalue().splitlines()) > 3
    assert stream.getvalue().count("x") == 100_000
