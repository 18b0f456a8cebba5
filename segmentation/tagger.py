"""Labels of tokens by a model of the orchestrator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from orchestrator import selectors as catalogue
from orchestrator import services as orchestrator
from segmentation.conf import conf

TASK = "token-classification"


def is_tagger(model: str) -> bool:
    """Whether ``model`` labels tokens. An empty name stands for the default model, which does not.

    Raises:
        ModelNotFound
    """
    return bool(model) and catalogue.task_of(model=model) == TASK


class ModelTagger:
    """Asks in batches, so that a cancelled run stops soon; ``on_batch`` is called with (done, all) before each."""

    def __init__(self, *, model: str, deadline: Callable[[], float], on_batch: Callable[[int, int], None]) -> None:
        self.model = model
        self._deadline = deadline
        self._on_batch = on_batch

    def __call__(self, texts: Sequence[str]) -> list[Sequence[Mapping[str, Any]]]:
        found: list[Sequence[Mapping[str, Any]]] = []
        for at in range(0, len(texts), conf.encode_batch):
            self._on_batch(at, len(texts))
            result = orchestrator.infer(
                model=self.model,
                inputs=texts[at : at + conf.encode_batch],
                task=TASK,
                deadline=self._deadline(),
                params={"aggregation": "none"},
            )
            found.extend(result.values)
        return found
