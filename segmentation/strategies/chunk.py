"""``chunk``: pieces for retrieval, of a bounded number of tokens."""

from __future__ import annotations

from dataclasses import replace

from segmentation.algorithms.chunk.pack import chunks
from segmentation.algorithms.chunk.units import units_of
from segmentation.algorithms.sentence.split import split_sentences
from segmentation.algorithms.spans import Span
from segmentation.algorithms.topic.segment import TopicOptions, find_topics
from segmentation.strategies.contract import Encoder, Job, Outcome, Vectors, Watch
from segmentation.strategies.topic import grouped

_SCORES = ((0.0, 1.0), (0.1, 0.95), (0.3, 0.9), (1.0, 0.3), (2.0, 0.1))  # of a cut by its price


def run(job: Job, encoder: Encoder, watch: Watch) -> Outcome:
    options = job.options
    maximum, overlap = options["max_tokens"], options["overlap"]
    if job.count is None:
        raise TypeError("a chunk job needs a count of tokens")
    with watch.measure("sentences"):
        sentences = split_sentences(job.text, job.language)
    vectors: Vectors | None = None
    weights: list[int] = []
    opened: frozenset[int] = frozenset()
    if options["boundaries"] == "topic":
        vectors, weights, opened = _topics(job, sentences, encoder, watch)
    with watch.measure("chunks"):
        units = units_of(job.text, sentences, count=job.count, maximum=maximum - overlap)
        prices = {unit.end: unit.price for unit in units}
        if opened:
            # A cut inside a topic costs more than the emptiness that a cut between topics leaves.
            units = [replace(unit, price=0.0 if unit.end in opened else 1 + unit.price) for unit in units]
        found = chunks(job.text, units, count=job.count, maximum=maximum, overlap=overlap)
    last = len(found) - 1
    spans = [
        Span(start=start, end=end, score=1.0 if place == last or end in opened else _score(prices[end]))
        for place, (start, _, end, _) in enumerate(found)
    ]
    details = [{"tokens": tokens, "core": core} for _, core, _, tokens in found]
    return Outcome(spans=spans, vectors=vectors, weights=weights, details=details, extra={"sentences": len(sentences)})


def _topics(
    job: Job, sentences: list[Span], encoder: Encoder, watch: Watch
) -> tuple[Vectors, list[int], frozenset[int]]:
    units: list[Span] = grouped(sentences, -(-len(sentences) // job.options["units"]))
    texts = [job.text[unit.start : unit.end] for unit in units]
    with watch.measure("embedding"):
        vectors = encoder.encode(texts)
    with watch.measure("topics"):
        topics = find_topics(texts, vectors, language=job.language, options=TopicOptions())
    return vectors, [len(text) for text in texts], frozenset(units[cut].start for cut in topics.cuts)


def _score(price: float) -> float:
    return next(score for limit, score in _SCORES if price <= limit)
