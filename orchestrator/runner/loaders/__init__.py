"""Loaders by task; a module is imported only in the runner that needs it."""

from __future__ import annotations

import importlib
from typing import Final

from orchestrator.runner.errors import RunnerError
from orchestrator.runner.loaders.base import Loader

_MODULES: Final = {
    "sentence-embedding": ("sentence_embedding", "SentenceEmbedding"),
    "echo": ("echo", "Echo"),
}


def loader_for(task: str) -> Loader:
    try:
        module, name = _MODULES[task]
    except KeyError:
        raise RunnerError("model_unloadable", f"There is no loader for the task {task!r}.", permanent=True) from None
    loader: Loader = getattr(importlib.import_module(f"orchestrator.runner.loaders.{module}"), name)()
    return loader
