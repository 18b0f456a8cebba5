"""What the two grammars make of a command: clauses in the order of the text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

Piece = tuple[int, int]


class Role(StrEnum):
    TASK = "task"  # something to do
    CONDITION = "condition"  # a state or an event that tasks wait for or happen beside


class Kind(StrEnum):
    """How a clause stands to the main one it belongs to."""

    MAIN = "main"
    IF = "if"
    WHILE = "while"
    AFTER = "after"  # it comes first, the main clause after it
    BEFORE = "before"  # the main clause comes first
    EACH = "each"


class Link(StrEnum):
    """What ties a main clause to the one before it."""

    NONE = "none"
    AND = "and"
    THEN = "then"
    OTHERWISE = "otherwise"


@dataclass(kw_only=True, slots=True)
class Clause:
    """``pieces`` are exact places, without the connectors around them. ``evidence`` is where the connector stands,
    ``data`` the word that refers to the result of the task before (a place of no length: the missing object)."""

    pieces: list[Piece]
    role: Role = Role.TASK
    kind: Kind = Kind.MAIN
    link: Link = Link.NONE
    evidence: Piece | None = None
    data: Piece | None = None
    negated: bool = False
    trailing: bool = False  # belongs to the main clause before it, not after it
    inserted: bool = False  # stands inside the main clause before it
    sentence: int = 0
    confidence: float = 0.95
    shared: str = ""  # "next": the object stands with the next clause only
    verb: tuple[int, str] | None = None  # where a verb begins, and its imperative

    @property
    def start(self) -> int:
        return self.pieces[0][0]

    @property
    def end(self) -> int:
        return self.pieces[-1][1]
