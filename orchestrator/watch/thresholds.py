"""When memory is too much, and what follows: pure, no I/O and no clock.

Refusing work when the machine is full is not decided here but where work is admitted (``supervisor.policy``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from orchestrator.watch.readings import Reading


class Level(StrEnum):
    NONE = "none"
    SOFT = "soft"
    HARD = "hard"


class Action(StrEnum):
    TRIM = "trim"
    RECYCLE = "recycle"
    TELL = "tell"


_ORDER: Final = (Level.NONE, Level.SOFT, Level.HARD)
# A level ends below this share of its limit, so that a value at the limit does not alert again and again.
_RELEASE: Final = 0.9
# A process is replaced when it is above the hard limit this many readings in a row: a spike of one request is none.
_CONFIRM: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Thresholds:
    """Runners are judged against their own memory after the warm-up, others by bytes, the node by all together."""

    runner_soft: float = 1.5
    runner_hard: float = 2.5
    runner_slack: int = 64 * 2**20
    worker_soft: int = 512 * 2**20
    worker_hard: int = 1024 * 2**20
    node_soft: int = 1 << 62
    node_hard: int = 1 << 62


@dataclass(frozen=True, kw_only=True, slots=True)
class Crossing:
    """One process, or the node, at a level it was not at before. ``level`` none: it came back down."""

    kind: str
    name: str
    pid: int
    before: Level
    level: Level
    value: int
    limit: int
    action: Action


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What to do now: what crossed a limit, who is above one (by the last crossing), runners to trim and to replace (by
    pid)."""

    crossings: tuple[Crossing, ...] = ()
    standing: tuple[Crossing, ...] = ()
    trim: tuple[int, ...] = ()
    recycle: tuple[int, ...] = ()


@dataclass(slots=True)
class _Known:
    level: Level = Level.NONE
    crossing: Crossing | None = None
    base: int = 0
    above_hard: int = 0
    kind: str = ""
    name: str = ""


@dataclass(slots=True)
class Judge:
    """Remembers what was known of each process; ``judge`` is called with every round of readings."""

    thresholds: Thresholds
    _known: dict[int, _Known] = field(default_factory=dict)
    _recycled: set[int] = field(default_factory=set)

    def judge(self, readings: Sequence[Reading], *, warm: frozenset[int] = frozenset()) -> Verdict:
        """Return what follows from ``readings``; ``warm`` are runners whose warm-up is over."""
        crossings: list[Crossing] = []
        trim: list[int] = []
        recycle: list[int] = []
        for reading in readings:
            known = self._known.setdefault(reading.pid, _Known(kind=reading.kind, name=reading.name))
            soft, hard = self._limits(reading, known, warm)
            level = _level(known.level, reading.anon, soft, hard)
            known.above_hard = known.above_hard + 1 if reading.anon >= hard else 0
            action = Action.TELL if reading.kind != "runner" else Action.TRIM if level is Level.SOFT else Action.RECYCLE
            if level is not known.level:
                limit = _limit(known.level, level, soft, hard)
                known.crossing = _crossing(reading, known.level, level, reading.anon, limit, action)
                known.level = level
                crossings.append(known.crossing)
            if reading.kind == "runner" and level is not Level.NONE:
                trim.append(reading.pid)
                if known.above_hard >= _CONFIRM and reading.pid not in self._recycled:
                    self._recycled.add(reading.pid)
                    recycle.append(reading.pid)
        crossings += self._gone({reading.pid for reading in readings})
        self._node(readings, crossings, trim)
        return Verdict(
            crossings=tuple(crossings),
            standing=self._standing(),
            trim=tuple(dict.fromkeys(trim)),
            recycle=tuple(recycle),
        )

    def _limits(self, reading: Reading, known: _Known, warm: frozenset[int]) -> tuple[int, int]:
        bounds = self.thresholds
        if reading.kind != "runner":
            return bounds.worker_soft, bounds.worker_hard
        if reading.pid in warm and not known.base:
            known.base = reading.anon
        if not known.base:
            return 1 << 62, 1 << 62  # not warm: nothing to compare with
        return (
            int(known.base * bounds.runner_soft) + bounds.runner_slack,
            int(known.base * bounds.runner_hard) + bounds.runner_slack,
        )

    def _standing(self) -> tuple[Crossing, ...]:
        above = (known.crossing for known in self._known.values() if known.level is not Level.NONE)
        return tuple(crossing for crossing in above if crossing is not None)

    def _gone(self, alive: set[int]) -> list[Crossing]:
        """End the alerts of processes that are no more."""
        ended = []
        for pid in [pid for pid in self._known if pid and pid not in alive]:
            known = self._known.pop(pid)
            self._recycled.discard(pid)
            if known.level is not Level.NONE:
                ended.append(
                    Crossing(
                        kind=known.kind, name=known.name, pid=pid, before=known.level, level=Level.NONE, value=0,
                        limit=0, action=Action.TELL,
                    )
                )  # fmt: skip
        return ended

    def _node(self, readings: Sequence[Reading], crossings: list[Crossing], trim: list[int]) -> None:
        total = sum(reading.pss for reading in readings)
        known = self._known.setdefault(0, _Known(kind="node", name="node"))
        level = _level(known.level, total, self.thresholds.node_soft, self.thresholds.node_hard)
        if level is not known.level:
            known.crossing = Crossing(
                kind="node", name="node", pid=0, before=known.level, level=level, value=total,
                limit=_limit(known.level, level, self.thresholds.node_soft, self.thresholds.node_hard),
                action=Action.TRIM,
            )  # fmt: skip
            known.level = level
            crossings.append(known.crossing)
        if level is not Level.NONE:
            trim += [reading.pid for reading in readings if reading.kind == "runner"]


def _level(before: Level, value: int, soft: int, hard: int) -> Level:
    held = _ORDER.index(before)
    for level, limit in ((Level.HARD, hard), (Level.SOFT, soft)):
        entered = held >= _ORDER.index(level)
        if value >= (limit * _RELEASE if entered else limit):
            return level
    return Level.NONE


def _limit(before: Level, level: Level, soft: int, hard: int) -> int:
    """Return the limit of the level that was reached; when it is over, of the one that was left."""
    reached = before if level is Level.NONE else level
    return hard if reached is Level.HARD else soft


def _crossing(reading: Reading, before: Level, level: Level, value: int, limit: int, action: Action) -> Crossing:
    return Crossing(
        kind=reading.kind, name=reading.name, pid=reading.pid, before=before, level=level, value=value, limit=limit,
        action=action,
    )  # fmt: skip
