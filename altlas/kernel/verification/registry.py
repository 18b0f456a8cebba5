"""The verifications of this installation, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from altlas.kernel.errors import NotFound
from altlas.kernel.verification.contract import Verification

_known: dict[str, Verification] = {}


def register(verification: Verification) -> Verification:
    """Add ``verification``; a name belongs to one verification for good."""
    if _known.setdefault(verification.name, verification) is not verification:
        raise ValueError(f"two verifications are called {verification.name}")
    return verification


def get(name: str) -> Verification:
    """
    Raises:
        NotFound.
    """
    try:
        return _known[name]
    except KeyError:
        raise NotFound(f"There is no verification {name!r}; known are {', '.join(sorted(_known))}.") from None


def registered(service: str = "") -> list[Verification]:
    """Return the verifications of ``service``, or all, by name."""
    return [_known[name] for name in sorted(_known) if service in ("", _known[name].service)]


Cleaner = Callable[[Any], None]
_cleaners: list[Cleaner] = []


def cleaner(clean: Cleaner) -> Cleaner:
    """Register a function that removes everything that the account with the given id owns. A decorator."""
    _cleaners.append(clean)
    return clean


def cleaners() -> list[Cleaner]:
    return list(_cleaners)
