"""Making a thing once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Once(Generic[_P, _T]):
    """As ``functools.cache``, but threads that come first together make one and not one each.

    For what does harm when it is thrown away: a Redis client closes its connections as it goes, under the commands that
    still wait on them.
    """

    def __init__(self, make: Callable[_P, _T]) -> None:
        self._make = make
        self._kept: dict[Hashable, _T] = {}
        self._making = threading.Lock()

    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        key = (args, tuple(kwargs.items()))
        if key not in self._kept:
            with self._making:
                if key not in self._kept:
                    self._kept[key] = self._make(*args, **kwargs)
        return self._kept[key]

    def cache_clear(self) -> None:
        self._kept.clear()
