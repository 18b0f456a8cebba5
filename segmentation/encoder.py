"""Sentence vectors by a model of the orchestrator."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from orchestrator import services as orchestrator
from segmentation.conf import conf

_CHARACTERS = 4_000  # characters; models read 256 to 512 tokens, the rest would only be tokenised and dropped


class ModelEncoder:
    """Encodes in batches, so that a long text gives signs of life and a cancelled run stops soon.

    ``on_batch`` is called with (done, all) before every batch and after the last; it may raise to stop.
    """

    def __init__(
        self, *, model: str, deadline: Callable[[], float], on_batch: Callable[[int, int], None] | None = None
    ) -> None:
        self.model = model
        self.version = ""
        self._deadline = deadline
        self._on_batch = on_batch or (lambda done, all_: None)

    def encode(self, sentences: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return one unit vector per sentence.

        Raises:
            AltlasError: what ``orchestrator.services.infer`` raises.
        """
        parts = []
        for at in range(0, len(sentences), conf.encode_batch):
            self._on_batch(at, len(sentences))
            inputs = [sentence[:_CHARACTERS] for sentence in sentences[at : at + conf.encode_batch]]
            result = orchestrator.infer(model=self.model, inputs=inputs, deadline=self._deadline())
            self.model, self.version = result.model, result.version
            parts.append(np.asarray(result.outputs, dtype=np.float32))
        self._on_batch(len(sentences), len(sentences))
        return normalised(np.vstack(parts)) if parts else np.zeros((0, 0), dtype=np.float32)


def normalised(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(norms == 0, 1, norms), dtype=np.float32)
