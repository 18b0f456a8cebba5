"""Version policies: which versions of a model may be asked for, and how unnamed traffic is shared. Pure.

A new version takes no traffic before it has proved itself: until then it can be asked for by name only, and what
served before goes on serving. One that fails never takes over, so an update that fails has changed nothing; one that
fails later loses its share, unless it is what `stable` points at or there is no other.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from orchestrator.models import Alias, ModelVersion, VersionPolicy, VersionStatus

T = TypeVar("T")

# The alias that gets what no other alias has claimed of the unnamed traffic.
STABLE: Final = "stable"
# Multiples of the golden ratio are spread over the unit interval more evenly than random numbers: after n draws
# every share is right to about log(n)/n (Weyl; Kuipers and Niederreiter, "Uniform Distribution of Sequences", 1974).
_GOLDEN: Final = (math.sqrt(5) - 1) / 2


def selected(rows: Sequence[ModelVersion]) -> list[ModelVersion]:
    """Return those of ``rows`` (one model, newest first, none retired) that its version policy serves.

    `latest` counts versions that have proved themselves; newer ones that have not yet are there to be tried.
    """
    if not rows:
        return []
    model = rows[0].model
    if model.version_policy == VersionPolicy.SPECIFIC:
        return [row for row in rows if row.version in model.policy_versions]
    if model.version_policy == VersionPolicy.ALL:
        return list(rows)
    found: list[ModelVersion] = []
    proved = 0
    for row in rows:
        if proved == model.policy_count:
            break
        proved += row.status == VersionStatus.AVAILABLE
        found.append(row)
    return found


def preferred(rows: Sequence[ModelVersion]) -> ModelVersion | None:
    """Return the version that takes unnamed traffic: the newest proved one, else the newest untried, else failed."""
    order = (VersionStatus.AVAILABLE, VersionStatus.REGISTERED, VersionStatus.FAILED)
    chosen = selected(rows)
    return next((row for status in order for row in chosen if row.status == status), None)


def kept(rows: Sequence[ModelVersion], aliases: Sequence[Alias]) -> list[ModelVersion]:
    """Return every version that may stay in memory: what the policy serves, and what an alias points at."""
    pointed = {alias.version_id for alias in aliases}
    chosen = {row.pk for row in selected(rows)}
    return [row for row in rows if row.pk in chosen or row.pk in pointed]


def shares(rows: Sequence[ModelVersion], aliases: Sequence[Alias]) -> list[tuple[ModelVersion, int]]:
    """Return the versions that share the traffic which names none, in percent.

    Aliases with a weight take theirs. The rest goes to the alias `stable`, without one to the policy's version.

    An alias whose version has failed leaves its share to the rest; failed ones are asked when nothing else is left, so
    that the error says why. Not so `stable`: an operator has named that version, and the answer of another one, an
    embedding say, might be worse than an error.
    """
    known = {row.pk: row for row in rows}
    weighted = [
        (alias.name, known[alias.version_id], alias.weight)
        for alias in aliases
        if alias.weight and alias.version_id in known
    ]
    found = [(row, weight) for name, row, weight in weighted if name == STABLE or row.status != VersionStatus.FAILED]
    rest = 100 - sum(weight for _, weight in found)
    stable = next((known.get(alias.version_id) for alias in aliases if alias.name == STABLE), None)
    remaining = stable or preferred(rows)
    if rest > 0 and remaining is not None:
        found.append((remaining, rest))
    return found or [(row, weight) for _, row, weight in weighted]


@dataclass(frozen=True, slots=True)
class Split(Generic[T]):
    """Gives each of ``choices`` its share of the draws, whatever the order in which threads draw."""

    choices: tuple[T, ...]
    bounds: tuple[float, ...]  # cumulative, the last is 1.0

    @classmethod
    def of(cls, choices: Sequence[T], weights: Sequence[int]) -> Split[T]:
        whole = sum(weights)
        return cls(tuple(choices), tuple(bound / whole for bound in itertools.accumulate(weights)))

    def at(self, place: float) -> T:
        """Return the choice at ``place``, in [0, 1)."""
        return next(choice for choice, bound in zip(self.choices, self.bounds, strict=True) if place < bound)


class Places:
    """A sequence in [0, 1) that fills it evenly; each process begins somewhere else."""

    def __init__(self, start: float | None = None) -> None:
        self._start = random.random() if start is None else start  # noqa: S311  # spreads load, guards nothing
        self._count = itertools.count()

    def next(self) -> float:
        return (self._start + next(self._count) * _GOLDEN) % 1.0
