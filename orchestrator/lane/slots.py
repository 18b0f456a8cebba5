"""How many synchronous requests a node has under way, whichever way they came."""

from __future__ import annotations

import threading


class Slots:
    """``count`` requests at a time. Who cannot wait does not overtake who does."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting = 0
        self._changed = threading.Condition()

    def take_free(self) -> bool:
        """Take a slot if one is free and nobody waits for it."""
        with self._changed:
            if self._waiting or not self._free:
                return False
            self._free -= 1
            return True

    def take(self) -> None:
        """Wait for a slot."""
        with self._changed:
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: self._free)
            finally:
                self._waiting -= 1
            self._free -= 1

    def give_back(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify()
