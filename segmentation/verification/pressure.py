"""Segmentations of changing length, in blocks; memory is taken after each block, when nothing is under way."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from altlas.kernel.verification import Outcome, Probe, Series
from altlas.kernel.verification.door import Door, Reply, crowd
from altlas.kernel.verification.figures import quantile, slope
from altlas.kernel.verification.registry import cleaner
from orchestrator.verification import drill
from segmentation.models import SegmentationRun
from segmentation.verification import tree

_LEAK = 2**20
_SENTENCES = (
    "The keeper counted the ships.",
    "Nobody had asked about the harvest until the old man spoke.",
    "Dr. Ayşe 19. yüzyılı anlattı.",
    "Maraton sabah saat 9.30'da başladı; yağmur bir saat önce dinmişti.",
    "Kahve pahalıydı.",
    "It rained, and the lamp on the far shore went out twice before anybody noticed.",
)
_STRATEGIES = ("sentence", "topic", "sentence")


@cleaner
def remove_runs(owner_id: Any) -> None:
    """Delete the segmentations of a verification's account."""
    SegmentationRun.objects.filter(owner_id=owner_id).delete()


@dataclass
class Course:
    """What was seen on the way."""

    memory: list[tuple[float, float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    processes: int = 0


def run(probe: Probe) -> Outcome:
    wanted = probe.parameters
    pids = tree.node_pids()
    with _opened(probe) as (door, echo):
        course = Course()
        _block(probe, door, echo, Course(), count=wanted["warm_up"], done=0, seed=0)
        for number in range(wanted["blocks"]):
            done = wanted["warm_up"] + number * wanted["block"]
            _block(probe, door, echo, course, count=wanted["block"], done=done, seed=number + 1)
            held, course.processes = tree.held(pids)
            course.memory.append((float((number + 1) * wanted["block"]), held))
    return _outcome(course)


def _outcome(course: Course) -> Outcome:
    per_request = slope(course.memory)
    return Outcome(
        metrics={
            "growth_kb_per_request": per_request * 1024,
            "failed_requests": float(len(course.failed)),
            "requests": course.memory[-1][0],
            "memory_first_mb": course.memory[0][1],
            "memory_last_mb": course.memory[-1][1],
            "processes": float(course.processes),
            "p50_s": quantile(course.seconds, 0.5),
            "p99_s": quantile(course.seconds, 0.99),
        },
        series=[
            Series(name="private memory of the nodes' processes", x="requests", y="MB", points=course.memory),
            Series(
                name="slope that the verdict rests on",
                x="requests",
                y="MB",
                points=_line(course.memory, per_request),
            ),
        ],
        notes=sorted(set(course.failed))[:10],
    )


def _line(points: list[tuple[float, float]], per_request: float) -> list[tuple[float, float]]:
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sorted(y for _, y in points)[len(points) // 2]
    return [(x, middle_y + (x - middle_x) * per_request) for x in (points[0][0], points[-1][0])]


@contextmanager
def _opened(probe: Probe) -> Iterator[tuple[Door, str]]:
    """Yield a logged-in door and the name of an echo model, which a drill makes leak."""
    with drill.opened(probe) as told:
        yield told.door, told.register("memory")


def _block(probe: Probe, door: Door, echo: str, course: Course, *, count: int, done: int, seed: int) -> None:
    wanted = probe.parameters
    total = wanted["warm_up"] + wanted["blocks"] * wanted["block"]
    dice = random.Random(seed)  # noqa: S311  # the same texts every time
    texts = [_text(dice) for _ in range(count)]

    def work(client: Door, number: int) -> Reply:
        embedded = drill.ask(client, echo, f"!grow {_LEAK}" if probe.sabotaged else f"n{number}")
        if not embedded.ok:
            return embedded
        body = {"text": texts[number], "strategy": _STRATEGIES[number % len(_STRATEGIES)], "archive": False}
        reply = client.post("/api/v1/segmentations", body, Prefer="wait=60")
        return _checked(reply, texts[number])

    answers = crowd(threads=wanted["threads"], times=count, work=work, url=probe.url, token=door.token)
    for number, (_, reply) in enumerate(answers, start=1):
        if reply.status == 201:
            course.seconds.append(reply.seconds)
        else:
            course.failed.append(f"{reply.status} {reply.code or reply.error}")
        probe.progress((done + number) / total, f"{done + number} of {total} requests")


def _checked(reply: Reply, text: str) -> Reply:
    """Turn an answer whose segments are not the text's into a failure: speed without truth is worth nothing."""
    if reply.status == 201 and any(
        text[segment["start"] : segment["end"]] != segment["text"] for segment in reply.body["segments"]
    ):
        return Reply(status=0, seconds=reply.seconds, error="a segment is not what stands in the text")
    return reply


def _text(dice: random.Random) -> str:
    return " ".join(dice.choice(_SENTENCES) for _ in range(dice.choice((1, 2, 4, 9, 20, 45))))
