"""The gate of a replica: who may use it, counted under its own lock.

The owner loop never has to be asked for a model that is ready, and still nothing is unloaded in use: closing the gate
and seeing that nobody is inside is one step.
"""

from __future__ import annotations

import threading


class Gate:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = False
        self._leases = 0
        self._last_used = 0.0
        self._uses = 0
        self.answered = False  # whether a request was answered: set by those inside, never taken back

    def open(self, *, now: float) -> None:
        with self._lock:
            self._open = True
            self._last_used = max(self._last_used, now)

    def enter(self, *, now: float) -> bool:
        """Take a lease; false when the gate is closed."""
        with self._lock:
            if not self._open:
                return False
            self._leases += 1
            self._uses += 1
            self._last_used = now
            return True

    def leave(self, *, now: float) -> None:
        with self._lock:
            self._leases -= 1
            self._last_used = now

    def close_if_idle(self) -> bool:
        """Close unless somebody is inside; true when closed."""
        with self._lock:
            if self._leases:
                return False
            self._open = False
            return True

    def close(self) -> None:
        """Let nobody in any more; those inside may finish."""
        with self._lock:
            self._open = False

    @property
    def leases(self) -> int:
        return self._leases

    @property
    def last_used(self) -> float:
        return self._last_used

    @property
    def uses(self) -> int:
        return self._uses
