"""What one service says about itself to the console: a state, one key figure, a few more, and what is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

State = Literal["ok", "warning", "failing", "unknown"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A labelled value, formatted for a person."""

    label: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceOverview:
    """One card of the console; ``reason`` says why the state is not ok.

    ``measures`` are plain numbers; beat keeps one of each a minute as the series ``<name>.<measure>``. ``trend`` names
    the measure whose last day the card draws.
    """

    name: str
    title: str
    state: State
    headline: Figure
    figures: tuple[Figure, ...] = ()
    reason: str = ""
    link: str = ""
    measures: Mapping[str, float] = field(default_factory=dict)
    trend: str = ""
