"""``topic``: consecutive sentences about the same thing are one segment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from segmentation.algorithms.sentence.split import split_sentences
from segmentation.algorithms.spans import Span, spans_from_cuts
from segmentation.algorithms.topic.segment import TopicOptions, find_topics
from segmentation.strategies.contract import Encoder, Job, Outcome, Watch


def run(job: Job, encoder: Encoder, watch: Watch) -> Outcome:
    with watch.measure("sentences"):
        sentences = split_sentences(job.text, job.language)
        group = -(-len(sentences) // job.options["units"])
        units = grouped(sentences, group)
        texts = [job.text[unit.start : unit.end] for unit in units]
    with watch.measure("embedding"):
        vectors = encoder.encode(texts)
    with watch.measure("topics"):
        topics = find_topics(texts, vectors, language=job.language, options=_in_units(job, group))
    spans = spans_from_cuts(len(job.text), [units[cut].start for cut in topics.cuts], topics.scores)
    extra: dict[str, Any] = {"sentences": len(sentences)} | ({"sentences_per_unit": group} if group > 1 else {})
    if job.options["levels"] == 2:
        extra["sections"] = _sections(spans, [units[cut].start for cut in topics.sections])
    return Outcome(spans=spans, vectors=vectors, weights=[unit.end - unit.start for unit in units], extra=extra)


def _sections(spans: Sequence[Span], opened: Sequence[int]) -> list[dict[str, Any]]:
    """Return the groups of topics: [first, last] of the segments, and the places of the text that they cover."""
    firsts = [0, *(place for place, span in enumerate(spans) if span.start in set(opened))]
    lasts = [*(first - 1 for first in firsts[1:]), len(spans) - 1]
    return [
        {
            "index": number,
            "start": spans[first].start,
            "end": spans[last].end,
            "segments": [first, last],
            "score": spans[last].score,
        }
        for number, (first, last) in enumerate(zip(firsts, lasts, strict=True))
    ]


def grouped(sentences: Sequence[Span], size: int) -> list[Span]:
    """Return units of ``size`` consecutive sentences each; the last may be shorter."""
    if size <= 1:
        return list(sentences)
    return [
        Span(start=part[0].start, end=part[-1].end, score=part[-1].score)
        for part in (sentences[at : at + size] for at in range(0, len(sentences), size))
    ]


def _in_units(job: Job, group: int) -> TopicOptions:
    """Return the options, whose lengths are in sentences, in units of ``group`` sentences."""
    options = job.options
    target, minimum = options.get("target_length"), options.get("min_length")
    return TopicOptions(
        segments=options.get("segments"),
        target_length=target / group if target else None,
        minimum=max(1, -(-minimum // group)) if minimum else None,
        maximum=max(1, options["max_length"] // group),
        sections=options["levels"] == 2,
    )
