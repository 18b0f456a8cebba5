"""Driving one model process through the supervisor and reading it at set numbers of requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from altlas.memory.course import Course, Sample
from orchestrator.supervisor.runner import RunnerProcess
from orchestrator.supervisor.spec import VersionSpec
from orchestrator.supervisor.supervisor import Supervisor
from orchestrator.watch.readings import Reading, read

_SECONDS = 60.0


def sampled(reading: Reading, requests: int) -> Sample:
    values = {name: float(getattr(reading, name)) for name in ("anon", "file", "uss", "pss", "threads", "descriptors")}
    told = {name: float(value) for name, value in reading.told.items() if name != "threads"}
    return Sample(requests=requests, values={**values, **told})


def observe(
    supervisor: Supervisor,
    spec: VersionSpec,
    texts: Iterable[Sequence[str]],
    *,
    requests: int,
    every: int,
    warm_up: int = 0,
    census: bool = True,
    on_sample: Callable[[Sample], None] = lambda _sample: None,
) -> Course:
    """Send ``requests`` requests one after the other and read the process after every ``every``.

    The first ``warm_up`` come before that and are not read, nor is what it keeps for the shapes of its grid. Each
    reading is taken after a collection and a return of freed memory, so that it shows what is kept.
    """
    supervisor.load(spec, deadline=time.monotonic() + _SECONDS)
    ((_, runner),) = [pair for pair in supervisor.runners() if pair[0] == spec.key]
    course = Course()
    source = iter(texts)
    _serve(supervisor, spec, islice(source, warm_up))
    _run_shapes(runner)
    if census:
        runner.census(lines=False, timeout=_SECONDS)  # what is compared with
    for done in range(0, requests, every):
        _serve(supervisor, spec, islice(source, every))
        sample = sampled(_reading(runner), done + every)
        course.samples.append(sample)
        on_sample(sample)
    if census:
        course.census = runner.census(lines=False, timeout=_SECONDS)
    return course


def _run_shapes(runner: RunnerProcess) -> None:
    """Wait until ``runner`` has run every shape of its grid: each leaves something behind, whenever it comes first."""
    end = time.monotonic() + _SECONDS
    while runner.report(timeout=_SECONDS)["shapes_left"]:
        if time.monotonic() > end:
            raise TimeoutError(f"the shapes of its grid were not run within {_SECONDS:.0f} s")
        time.sleep(0.5)  # being asked keeps it from running the next one


def _serve(supervisor: Supervisor, spec: VersionSpec, texts: Iterable[Sequence[str]]) -> None:
    for request in texts:
        supervisor.infer(spec, request, deadline=time.monotonic() + _SECONDS)


def _reading(runner: RunnerProcess) -> Reading:
    runner.trim()
    told = runner.report(timeout=_SECONDS)
    found = read(runner.pid, kind="runner", name="observed", told=told)
    if found is None:
        raise RuntimeError("the model's process ended while it was observed")
    return found
