"""Word lists as they are easiest to read and edit: words between spaces."""

from __future__ import annotations


def words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())
