"""Doing the work of a run, on a node."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import redis
from django.db import transaction

from altlas.kernel import replies
from altlas.kernel.clock import SYSTEM, Clock
from altlas.kernel.errors import AltlasError
from altlas.kernel.ids import uuid7
from archive import services as archive
from orchestrator import selectors as catalogue
from orchestrator.services import node_stopping
from segmentation import metrics, services, tokenizers
from segmentation.algorithms.language import detect
from segmentation.conf import conf
from segmentation.embedding import document_vector, passages
from segmentation.encoder import ModelEncoder
from segmentation.exceptions import ClaimLost, RunTimedOut
from segmentation.models import SegmentationItem, SegmentationRun
from segmentation.statuses import Status
from segmentation.strategies.contract import Job, Outcome
from segmentation.strategies.registry import STRATEGIES
from segmentation.tagger import ModelTagger, is_tagger

logger = logging.getLogger(__name__)
_BEAT_SECONDS = 1.0
_RESULT = ("status", "language", "segments", "extra", "record_id", "warnings", "timings", "error")


class Stopwatch:
    """Adds up the seconds of named parts."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.seconds: dict[str, float] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        begun = self.clock.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + self.clock.monotonic() - begun

    def rounded(self) -> dict[str, float]:
        return {name: round(seconds, 4) for name, seconds in self.seconds.items()}


@dataclass(kw_only=True, slots=True)
class Work:
    """A claimed run, its deadline on ``clock``, and how far it is."""

    run: SegmentationRun
    deadline: float
    clock: Clock
    begun: float
    items: int
    beaten: float
    done: int = 0

    def remaining(self) -> float:
        left = self.deadline - self.clock.monotonic()
        if left <= 0:
            raise RunTimedOut(f"The run was not done within {conf.deadline:g} s.")
        return left

    def report(self, part: float) -> None:
        """Give a sign of life and learn whether the claim still holds, once a second at most."""
        self.remaining()
        moment = self.clock.monotonic()
        if moment - self.beaten >= _BEAT_SECONDS:
            self.beaten = moment
            services.run_beat(run=self.run, progress=self.progress(part))

    def progress(self, part: float = 0.0) -> float:
        return (self.done + part) / max(self.items, 1)


class NodeStopping(Exception):  # no error: the run goes on elsewhere
    """This node is ending."""


def run_execute(*, run_id: UUID, reply_id: str = "", clock: Clock = SYSTEM) -> bool:
    """Do a run and announce its end; False when there was nothing to do (ended, claimed elsewhere, or gone).

    Every text is written together with its archive record in one transaction under the claim, so a delivery that
    comes twice, a lost node or a cancellation leaves each text done once or not at all.
    """
    run = services.run_claim(run_id=run_id)
    if run is None:
        metrics.REDELIVERED.inc()
        return False
    begun = clock.monotonic()
    waited = round(max(0.0, ((run.started_at or run.created_at) - run.created_at).total_seconds()), 4)
    try:
        items = list(run.items.filter(status__in=[Status.QUEUED, Status.RUNNING]))
        work = Work(run=run, deadline=begun + conf.deadline, clock=clock, begun=begun, items=len(items), beaten=begun)
        for item in items:
            if node_stopping():
                raise NodeStopping
            _do_item(work, item, {"queued": waited})
        if not items:
            services.run_finish(run=run, timings={"queued": waited, "total": waited})
    except NodeStopping:
        services.run_release(run=run, reply_id=reply_id)
        return True  # whoever waits for its end hears it from the node that goes on
    except ClaimLost:
        logger.info("run %s was cancelled or taken over", run_id)
    except RunTimedOut as exc:
        services.run_fail(run_id=run_id, error=exc)
    except Exception:
        # A defect: the row must say so, or the run would be delivered and fail for ever.
        services.run_fail(run_id=run_id, error=AltlasError("Something went wrong on our side."))
        _announce(reply_id)
        raise
    _announce(reply_id)
    return True


def _do_item(work: Work, item: SegmentationItem, timings: dict[str, float]) -> None:
    work.remaining()
    watch = Stopwatch(work.clock)
    made = segmented(work.run, item, watch, remaining=work.remaining, report=work.report)
    if made is None and node_stopping():
        raise NodeStopping  # its models end with it: that says nothing about the text
    try:
        _store(work, item, made, watch, timings)
    except AltlasError as exc:
        # The archive refused the record.
        failed(item, exc)
        _store(work, item, None, watch, timings)
    work.done += 1
    count(work.run, item, watch)


def _store(work: Work, item: SegmentationItem, made: Made | None, watch: Stopwatch, timings: dict[str, float]) -> None:
    """Write what came of a text under the claim; with the last one the run ends in the same transaction."""
    with transaction.atomic():
        services.run_beat(run=work.run, progress=work.progress(1.0))
        if made is not None:
            keep(work.run, item, made, watch)
        item.timings = watch.rounded()
        item.save(update_fields=_RESULT)
        if work.done + 1 == work.items:
            total = timings["queued"] + work.clock.monotonic() - work.begun
            services.run_finish(run=work.run, timings={**timings, "total": round(total, 4)})


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What a text became, beside what its item says: the strategy's outcome and the vector of its record."""

    outcome: Outcome
    embedding: list[float] | None


def segmented(
    run: SegmentationRun,
    item: SegmentationItem,
    watch: Stopwatch,
    *,
    remaining: Callable[[], float],
    report: Callable[[float], None],
) -> Made | None:
    """Segment the text of ``item`` into its members, saving nothing; None when it failed, which ``item.error`` tells.

    ``remaining`` returns the seconds left and ``report`` is told the part that is done; both may raise to stop.

    Raises:
        RunTimedOut: from ``remaining``.
    """
    try:
        with watch.measure("total"):
            return _segment(run, item, watch, remaining, report)
    except RunTimedOut:
        raise
    except AltlasError as exc:
        failed(item, exc)
        return None


def failed(item: SegmentationItem, error: AltlasError) -> None:
    item.status = Status.FAILED
    item.error = services.problem(error)
    item.segments, item.extra, item.record_id = [], {}, None


def count(run: SegmentationRun, item: SegmentationItem, watch: Stopwatch) -> None:
    """Count a text whose outcome is stored."""
    if item.error:
        metrics.ITEM_ERRORS.labels(code=item.error["code"]).inc()
        return
    for part, seconds in watch.seconds.items():
        metrics.SECONDS.labels(strategy=run.strategy, part=part).observe(seconds)
    metrics.CHARACTERS.labels(strategy=run.strategy).inc(len(item.text))
    metrics.SEGMENTS.labels(strategy=run.strategy).inc(len(item.segments))


def _segment(
    run: SegmentationRun,
    item: SegmentationItem,
    watch: Stopwatch,
    remaining: Callable[[], float],
    report: Callable[[float], None],
) -> Made:
    with watch.measure("language"):
        item.language = run.language or detect(item.text)
    tagger: ModelTagger | None = None
    if run.strategy == "sentence" and is_tagger(run.model):
        tagger = ModelTagger(model=run.model, deadline=remaining, on_batch=_share(report))
    encoder = ModelEncoder(
        # A model that labels tokens gives no vectors: the record's comes from the default one.
        model=catalogue.default_model() if tagger else run.model or catalogue.default_model(),
        deadline=remaining,
        on_batch=_share(report),
    )
    job = Job(
        text=item.text,
        language=item.language,
        options={**run.options, "units": conf.topic_units},
        count=tokenizers.counter_for(run.strategy, run.options, encoder.model),
        tagger=tagger,
    )
    outcome = STRATEGIES[run.strategy](job, encoder, watch)
    embedding = _embedding(run, item, outcome, encoder, watch)
    item.segments = [[span.start, span.end, span.score] for span in outcome.spans]
    used = encoder.version or (job.count is not None and job.count is not tokenizers.characters)
    named = tagger.model if tagger else encoder.model if used else ""
    item.extra = outcome.extra | {"details": outcome.details, "model": named}
    item.status = Status.SUCCEEDED
    item.error = None
    return Made(outcome=outcome, embedding=embedding)


def keep(run: SegmentationRun, item: SegmentationItem, made: Made, watch: Stopwatch) -> None:
    """Write the archive record of a text inside the caller's transaction, when the run wants one."""
    with watch.measure("archive"), watch.measure("total"):
        if run.archive:
            item.record_id = _archive(run, item, made.outcome, made.embedding)


def _share(report: Callable[[float], None]) -> Callable[[int, int], None]:
    return lambda done, count: report(0.9 * done / max(count, 1))


def _embedding(
    run: SegmentationRun, item: SegmentationItem, outcome: Outcome, encoder: ModelEncoder, watch: Stopwatch
) -> list[float] | None:
    """Return the record's vector. A text whose segments are found is not lost for want of one: the record is then
    kept without, found by its words only, and the answer carries a warning."""
    item.warnings = []
    if not run.archive or not run.options.get("embedding", True):
        return None
    vectors, weights = outcome.vectors, outcome.weights
    if vectors is None:
        found = passages(item.text, [span.end for span in outcome.spans[:-1]])
        try:
            with watch.measure("embedding"):
                vectors = encoder.encode(found)
        except RunTimedOut:
            raise
        except AltlasError as exc:
            if node_stopping():
                raise  # the model ends with this node
            item.warnings = [{"code": "no_embedding", "detail": f"Kept without a vector: {exc.detail}"}]
            return None
        weights = [len(passage) for passage in found]
    vector = document_vector(vectors, weights)
    if vector is None:
        detail = f"{encoder.model} does not have the width that the archive keeps; kept without a vector."
        item.warnings = [{"code": "no_embedding", "detail": detail}]
    return vector


def _archive(run: SegmentationRun, item: SegmentationItem, outcome: Outcome, embedding: list[float] | None) -> UUID:
    payload: dict[str, Any] = {
        "strategy": run.strategy,
        "language": item.language,
        "model": item.extra.get("model", ""),
        "options": run.options,
        "segments": item.segments,
        **{name: value for name, value in outcome.extra.items() if name not in ("model",)},
    }
    record = archive.record_create(
        owner_id=run.owner_id,
        kind="segmentation",
        title=title_of(item.text),
        text=item.text,
        payload=payload,
        tags=[run.strategy],
        language=item.language,
        source_run_id=run.pk,
        embedding=embedding,
        record_id=item.record_id or uuid7(),
    )
    found: UUID = record.pk
    return found


def title_of(text: str) -> str:
    """Return the first line of ``text``, shortened at a space to what a list can show."""
    line = next((stripped for raw in text[:2000].splitlines() if (stripped := " ".join(raw.split()))), text[:100])
    return line if len(line) <= 100 else line[:99].rsplit(" ", 1)[0] + "…"


def _announce(reply_id: str) -> None:
    if not reply_id:
        return
    try:
        replies.send(reply_id, {"ended": True})
    except redis.RedisError:
        # The row is the truth; whoever waits reads it when the wait is over.
        logger.warning("the end of a run could not be announced", exc_info=True)
