"""The trained boundary classifier: hashed logistic regression, inference in numpy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segmentation.algorithms.sentence.features import BITS, Vocabulary, feature_blocks
from segmentation.algorithms.tokens import BoolArray, Tokens

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

    def logits(self, tokens: Tokens, vocabulary: Vocabulary, bare: BoolArray) -> FloatArray:
        """Return the log odds of a boundary at each gap; ``bare`` says which gaps have no marks around them."""
        found = []
        at = 0
        for features in feature_blocks(tokens, vocabulary):
            logits = self.punctuated[features].sum(axis=1, dtype=np.float64) + self.punctuated_bias
            among = bare[at : at + len(features)]
            if among.any():
                logits[among] = self.bare[features[among]].sum(axis=1, dtype=np.float64) + self.bare_bias
            found.append(logits)
            at += len(features)
        return np.concatenate(found) if found else np.empty(0)


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
