"""Segmentations of changing length, in blocks; memory is taken after each block, when nothing is under way.

What counts is what processes gained while they lived: a model that somebody loads meanwhile is no growth, and a
process that leaks until it is replaced does not hide it. The working memory of a forward pass comes and goes by several
MB, which over a hundred requests looks like growth: such a run goes on, until the requests outweigh it. A leak goes on
as well.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from altlas.kernel.verification import Outcome, Probe, Series
from altlas.kernel.verification.door import Door, Reply, crowd
from altlas.kernel.verification.figures import ROUNDS, quantile, slope
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

    held: list[tuple[float, float]] = field(default_factory=list)  # requests, MB of all
    gained: list[tuple[float, float]] = field(default_factory=list)  # requests, MB since the first reading
    parts: dict[tree.Part, float] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def take(self, requests: int, parts: dict[tree.Part, float]) -> None:
        """Take a reading after ``requests``; ``parts`` in MB by process."""
        gain = sum(held - self.parts[part] for part, held in parts.items() if part in self.parts)
        before = self.gained[-1][1] if self.gained else 0.0
        self.held.append((float(requests), sum(parts.values())))
        self.gained.append((float(requests), before + gain))
        self.parts = parts

    def doubtful(self, budget: float) -> bool:
        """Whether it grows by more than ``budget`` MB a request, yet not in every block, as a leak does."""
        steps = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in pairwise(self.gained)]
        return slope(self.gained) > budget and min(steps) <= budget


def run(probe: Probe, *, budget_kb: float) -> Outcome:
    """Judge growth against ``budget_kb`` a request.

    Raises:
        Inconclusive: no node runs on this machine, or no model could be registered.
    """
    wanted = probe.parameters
    pids = tree.node_pids()
    with _opened(probe) as (door, echo):
        course = Course()
        total = wanted["warm_up"] + wanted["blocks"] * wanted["block"]
        _block(probe, door, echo, Course(), count=wanted["warm_up"], done=0, total=total, seed=0)
        for number in range(wanted["blocks"] * ROUNDS):
            if number and number % wanted["blocks"] == 0:
                if not course.doubtful(budget_kb / 1024):
                    break
                total += wanted["blocks"] * wanted["block"]
            done = wanted["warm_up"] + number * wanted["block"]
            _block(probe, door, echo, course, count=wanted["block"], done=done, total=total, seed=number + 1)
            course.take((number + 1) * wanted["block"], tree.held(pids))
    return _outcome(course)


def _outcome(course: Course) -> Outcome:
    per_request = slope(course.gained)
    return Outcome(
        metrics={
            "growth_kb_per_request": per_request * 1024,
            "failed_requests": float(len(course.failed)),
            "requests": course.held[-1][0],
            "memory_first_mb": course.held[0][1],
            "memory_last_mb": course.held[-1][1],
            "processes": float(len(course.parts)),
            "p50_s": quantile(course.seconds, 0.5),
            "p99_s": quantile(course.seconds, 0.99),
        },
        series=[
            Series(name="private memory of the nodes' processes", x="requests", y="MB", points=course.held),
            Series(name="gained by processes while they lived", x="requests", y="MB", points=_from(course)),
            Series(
                name="slope that the verdict rests on",
                x="requests",
                y="MB",
                points=_line(_from(course), per_request),
            ),
        ],
        notes=sorted(set(course.failed))[:10],
    )


def _from(course: Course) -> list[tuple[float, float]]:
    """Return what was gained from where the memory began, so that both can be seen in one plot."""
    return [(x, course.held[0][1] + gained) for x, gained in course.gained]


def _line(points: list[tuple[float, float]], per_request: float) -> list[tuple[float, float]]:
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sorted(y for _, y in points)[len(points) // 2]
    return [(x, middle_y + (x - middle_x) * per_request) for x in (points[0][0], points[-1][0])]


@contextmanager
def _opened(probe: Probe) -> Iterator[tuple[Door, str]]:
    """Yield a logged-in door and the name of an echo model, which a drill makes leak."""
    with drill.opened(probe) as told:
        yield told.door, told.register("memory")


def _block(
    probe: Probe, door: Door, echo: str, course: Course, *, count: int, done: int, total: int, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311  # the same texts every time
    texts = [_text(dice) for _ in range(count)]

    def work(client: Door, number: int) -> Reply:
        embedded = drill.ask(client, echo, f"!grow {_LEAK}" if probe.sabotaged else f"n{number}")
        if not embedded.ok:
            return embedded
        body = {"text": texts[number], "strategy": _STRATEGIES[number % len(_STRATEGIES)], "archive": False}
        reply = client.post("/api/v1/segmentations", body, Prefer="wait=60")
        return _checked(reply, texts[number])

    answers = crowd(threads=probe.parameters["threads"], times=count, work=work, url=probe.url, token=door.token)
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
