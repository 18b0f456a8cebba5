"""Train the sentence-boundary weights.

    python -m segmentation.training.boundaries ../shared/data/sentences

One example per gap between two tokens of the sentences joined by single spaces; liblinear's logistic regression over
the hashed features; written as float16. Two sets of weights per language: as the text stands, and ``bare``: the same
text lower-cased with its marks taken away, for stretches that have no sentence marks at all.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse  # type: ignore[import-untyped]  # needed for training only, not installed with the product
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # as above

from segmentation.algorithms.sentence.classifier import WEIGHTS
from segmentation.algorithms.sentence.features import BITS, U32, Vocabulary, feature_blocks, lower
from segmentation.algorithms.tokens import tokenize
from segmentation.training.corpora import SETS, sentences

STRENGTH = {"tr": 2.0, "en": 1.5}  # inverse of regularisation; chosen by 5-fold cross-validation
_MARKS = re.compile(r"[^\w\s'’-]|(?<!\w)['’-]|['’-](?!\w)")


def examples(found: list[str], language: str) -> tuple[U32, npt.NDArray[np.bool_]]:
    """Return features and truth of every gap of the sentences joined by one space."""
    tokens = tokenize(" ".join(found))
    features = np.vstack(list(feature_blocks(tokens, Vocabulary(tokens.vocabulary, language))))
    ends = np.cumsum([len(sentence) + 1 for sentence in found]) - 1
    return features, np.isin(tokens.ends[:-1], ends)


def matrix(features: U32) -> Any:
    count, width = features.shape
    ones = np.ones(count * width, dtype=np.float32)
    return scipy.sparse.csr_matrix(
        (ones, features.ravel(), np.arange(0, count * width + 1, width)), shape=(count, 1 << BITS)
    )


def without_marks(sentence: str, language: str) -> str:
    return " ".join(_MARKS.sub(" ", lower(sentence, language)).split())


def fit(parts: list[list[str]], language: str, *, strength: float) -> tuple[npt.NDArray[np.float64], float]:
    """Return weights and bias trained on the sentence lists ``parts``."""
    made = [examples(part, language) for part in parts]
    model = LogisticRegression(C=strength, solver="liblinear")
    model.fit(matrix(np.vstack([features for features, _ in made])), np.concatenate([truth for _, truth in made]))
    return model.coef_[0], float(model.intercept_[0])


def train(folder: Path, language: str) -> Path:
    parts = [sentences(folder, name) for name in SETS[language]]
    punctuated, punctuated_bias = fit(parts, language, strength=STRENGTH[language])
    stripped = [[line for raw in part if (line := without_marks(raw, language))] for part in parts]
    bare, bare_bias = fit(stripped, language, strength=STRENGTH[language])
    target = WEIGHTS / f"{language}.npz"
    np.savez_compressed(
        target,
        bits=np.int64(BITS),
        punctuated=punctuated.astype(np.float16),
        bare=bare.astype(np.float16),
        punctuated_bias=np.float64(punctuated_bias),
        bare_bias=np.float64(bare_bias),
    )
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with the sentence sets")
    arguments = parser.parse_args()
    for language in SETS:
        target = train(arguments.folder, language)
        sys.stdout.write(f"{target.name}: {target.stat().st_size / 1024:.0f} kB\n")


if __name__ == "__main__":
    main()
