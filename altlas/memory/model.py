"""The model of a run: one of the catalogue, or a small one with random weights made on the spot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError

from altlas.engines.conf import HOME
from orchestrator import selectors
from orchestrator import services as orchestrator
from orchestrator.exceptions import ModelNotFound

TINY = "tiny-random"


def named(name: str) -> str:
    """Return the catalogue's name for ``name``; ``tiny`` is made and registered when it is not there yet.

    Raises:
        CommandError: the catalogue has no such model.
    """
    wanted = TINY if name == "tiny" else name or selectors.default_model()
    try:
        selectors.model_get(name=wanted)
    except ModelNotFound:
        if wanted != TINY:
            raise CommandError(f"The catalogue has no model {wanted!r}.") from None
        folder = HOME.path / "models" / TINY
        _make(folder)
        orchestrator.model_register(name=TINY, task="sentence-embedding", source=f"folder://{folder}", version="1")
    return wanted


def _make(folder: Path) -> None:
    # A program of its own: it imports torch, which this process must not.
    done = subprocess.run(
        [sys.executable, "-m", "altlas.memory.tiny", str(folder)],
        cwd=settings.BASE_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise CommandError(f"The small model could not be made: {done.stderr[-500:]}")
