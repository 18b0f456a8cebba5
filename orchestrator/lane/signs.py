"""Whether a node that somebody waits for is still there, by its signs of life."""

from __future__ import annotations

from collections.abc import Callable

Alive = Callable[[str], bool | None]
# One may be a moment in which a Redis that was restarted had no sign: they come every second.
_MISSED = 2


class Signs:
    """One waiter's view of ``node``. Where ``alive`` does not know, Redis not being asked, nothing follows from it: the
    answer may be on its way, and who waits has a deadline."""

    def __init__(self, node: str, alive: Alive) -> None:
        self._node = node
        self._alive = alive
        self._missed = 0

    def gone(self) -> bool:
        """Ask once; true when the node has been missing several times in a row."""
        found = self._alive(self._node)
        if found is not None:
            self._missed = 0 if found else self._missed + 1
        return self._missed >= _MISSED
