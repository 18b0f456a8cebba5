"""The contract between a verification and whoever runs it.

A verification returns figures; thresholds make the verdict, so that a figure that is missing can never pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol


class Load(StrEnum):
    LOW = "low"
    MID = "mid"
    HIGH = "high"


class Cancelled(Exception):
    """Somebody cancelled the run."""


class Overdue(Exception):
    """The run took longer than its verification allows."""


class Inconclusive(Exception):
    """The question cannot be answered here; says why. Neither passed nor failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """``metric`` must be at most (``<=``) or at least (``>=``) ``limit``."""

    metric: str
    sign: Literal["<=", ">="]
    limit: float
    unit: str = ""

    def holds(self, value: float) -> bool:
        # False for NaN, whichever way it is asked.
        return value <= self.limit if self.sign == "<=" else value >= self.limit


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """Points for one line of a plot."""

    name: str
    x: str
    y: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What was measured; ``notes`` are sentences for a person, such as what exactly was refused."""

    metrics: Mapping[str, float]
    series: Sequence[Series] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """An account of the run's own, closed and emptied afterwards."""

    id: Any
    username: str
    password: str


class Probe(Protocol):
    """What a verification is given."""

    url: str
    load: Load
    parameters: Mapping[str, Any]
    sabotaged: bool

    def progress(self, share: float, stage: str = "") -> None:
        """Say how far it is (0..1). Called often: this is where a cancelled or overdue run ends.

        Raises:
            Cancelled, Overdue.
        """

    def account(self, *, operator: bool = False) -> AbstractContextManager[Account]:
        """Open an account; with ``operator`` one that may steer models."""


@dataclass(frozen=True, kw_only=True)
class Verification:
    """``parameters`` by load; ``sabotage`` breaks what is verified, in this process alone, inside its block."""

    name: str
    title: str
    rows: Sequence[str]
    parameters: Mapping[Load, Mapping[str, Any]]
    thresholds: Sequence[Threshold]
    run: Callable[[Probe], Outcome]
    sabotage: Callable[[], AbstractContextManager[None]]
    fault: str
    seconds: float = 300.0
    # The loads that `--full` runs, beside the one that is asked for otherwise.
    full: Sequence[Load] = (Load.MID,)
    service: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "service", self.name.partition(".")[0])

    def reasons(self, metrics: Mapping[str, float]) -> tuple[list[str], list[str]]:
        """Return what speaks against ``metrics``, and which figures are missing."""
        broken, missing = [], []
        for threshold in self.thresholds:
            value = metrics.get(threshold.metric)
            if value is None:
                missing.append(f"{threshold.metric} was not measured")
            elif not threshold.holds(value):
                broken.append(
                    f"{threshold.metric} is {value:.4g}{threshold.unit}, must be {threshold.sign} "
                    f"{threshold.limit:.4g}{threshold.unit}"
                )
        return broken, missing
