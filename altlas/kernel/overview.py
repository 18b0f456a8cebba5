"""What one service says about itself to the console: a state, one key figure, a few more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "failing", "unknown"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A labelled value, formatted for a person."""

    label: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceOverview:
    """One card of the console; ``reason`` says why the state is not ok."""

    name: str
    title: str
    state: State
    headline: Figure
    figures: tuple[Figure, ...] = ()
    reason: str = ""
    link: str = ""
