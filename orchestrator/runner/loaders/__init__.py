"""Loaders by task; a module is imported only in the runner that needs it."""

from __future__ import annotations

import importlib
from typing import Final

from orchestrator.runner.errors import RunnerError
from orchestrator.runner.loaders.base import Loader

_MODULES: Final = {
    "sentence-embedding": ("sentence_embedding", "SentenceEmbedding"),
    "token-classification": ("token_classification", "TokenClassification"),
    "sequence-classification": ("sequence_classification", "SequenceClassification"),
    "cross-encoder": ("cross_encoder", "CrossEncoder"),
    "fill-mask": ("fill_mask", "FillMask"),
    "text-generation": ("text_generation", "TextGeneration"),
    "echo": ("echo", "Echo"),
}


# Loaders that are other classes when a compiled variant computes.
_COMPILED: Final = {"sentence-embedding": ("sentence_embedding_onnx", "SentenceEmbeddingOnnx")}


def loader_for(task: str, runtime: str = "torch") -> Loader:
    try:
        module, name = (_COMPILED if runtime != "torch" and task in _COMPILED else _MODULES)[task]
    except KeyError:
        raise RunnerError("model_unloadable", f"There is no loader for the task {task!r}.", permanent=True) from None
    loader: Loader = getattr(importlib.import_module(f"orchestrator.runner.loaders.{module}"), name)()
    return loader
