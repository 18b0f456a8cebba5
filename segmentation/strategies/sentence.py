"""``sentence``: one segment per sentence."""

from __future__ import annotations

from segmentation.algorithms.sentence.split import split_sentences
from segmentation.algorithms.sentence.tagged import split_tagged
from segmentation.strategies.contract import Encoder, Job, Outcome, Watch


def run(job: Job, encoder: Encoder, watch: Watch) -> Outcome:
    with watch.measure("sentences"):
        threshold = job.options["threshold"]
        if job.tagger is not None:
            spans = split_tagged(job.text, job.tagger, threshold=threshold)
        else:
            spans = split_sentences(job.text, job.language, threshold=threshold)
    return Outcome(spans=spans)
