"""Rendered answers in Redis, under generation keys. See docs/decisions/0043."""

from archive.cache.entry import Rendered
from archive.cache.generations import invalidate
from archive.cache.store import rendered

__all__ = ["Rendered", "invalidate", "rendered"]
