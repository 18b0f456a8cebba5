"""``sentence``: one segment per sentence."""

from __future__ import annotations

from segmentation.algorithms.sentence.split import split_sentences
from segmentation.strategies.contract import Encoder, Job, Outcome, Watch


def run(job: Job, encoder: Encoder, watch: Watch) -> Outcome:
    with watch.measure("sentences"):
        spans = split_sentences(job.text, job.language, threshold=job.options["threshold"])
    return Outcome(spans=spans)
