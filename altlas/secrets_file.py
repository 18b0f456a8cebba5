"""Secrets that an installation makes for itself when none are given."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def read_or_create(path: Path, *, characters: int = 64) -> str:
    """Return the secret in ``path``, making a random one, readable by this user alone, on first use.

    Safe when several processes start at once: the first to link its file into place wins.
    """
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    own = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(characters))
    try:
        os.link(own, path)
    except FileExistsError:
        pass
    finally:
        own.unlink()
    return path.read_text().strip()
