"""The trained boundary classifier: hashed logistic regression, inference in numpy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segmentation.algorithms.sentence.features import BITS, U32

WEIGHTS = Path(__file__).parent / "weights"
LANGUAGES = ("tr", "en")
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Boundaries:
    """Weights of one language: ``weights[f]`` per feature number; ``punctuated`` for texts with sentence marks,
    ``bare`` for stretches without any."""

    punctuated: npt.NDArray[np.float32]
    bare: npt.NDArray[np.float32]
    punctuated_bias: float
    bare_bias: float

    def logits(self, features: U32, *, bare: bool) -> FloatArray:
        """Return the log odds of a boundary for each row of ``features`` (gaps x templates)."""
        weights, bias = (self.bare, self.bare_bias) if bare else (self.punctuated, self.punctuated_bias)
        found = weights[features].sum(axis=1, dtype=np.float64)
        return np.asarray(found + bias, dtype=np.float64)


@cache
def boundaries(language: str) -> Boundaries:
    """Load the weights of ``language`` (one of ``LANGUAGES``) once per process."""
    with np.load(WEIGHTS / f"{language}.npz", allow_pickle=False) as file:
        if int(file["bits"]) != BITS:
            raise ValueError(
                f"weights of {language} are for {int(file['bits'])} bits, the features have {BITS}; retrain"
            )
        return Boundaries(
            punctuated=file["punctuated"].astype(np.float32),
            bare=file["bare"].astype(np.float32),
            punctuated_bias=float(file["punctuated_bias"]),
            bare_bias=float(file["bare_bias"]),
        )


def probability(logit: FloatArray) -> FloatArray:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logit, -30, 30))), dtype=np.float64)
