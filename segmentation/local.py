"""One text segmented in this process, for commands: no run, no task."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model

from altlas.kernel.clock import SYSTEM
from archive import services as archive
from orchestrator import selectors as catalogue
from segmentation import languages, tokenizers
from segmentation.algorithms.language import detect
from segmentation.conf import conf
from segmentation.encoder import ModelEncoder
from segmentation.exceptions import InvalidRequest
from segmentation.execution import Stopwatch, title_of
from segmentation.models import SegmentationItem, SegmentationRun
from segmentation.statuses import Status
from segmentation.strategies.contract import Job
from segmentation.strategies.registry import STRATEGIES
from segmentation.tagger import ModelTagger, is_tagger
from segmentation.wire import item_body


def segment(
    *, text: str, strategy: str, language: str, model: str, options: dict[str, Any], owner: str
) -> dict[str, Any]:
    """Return the answer that an item of a run would have; with ``owner`` the result is kept in that user's archive.

    Raises:
        InvalidRequest: no such language or owner.
        AltlasError: what the model's node answers, for strategies that ask one.
    """
    code = languages.normal(language)
    if code and code not in languages.KNOWN:
        raise InvalidRequest(f"{language!r} is not a language we know; use ISO 639-1.")
    keeper = owner_id(owner) if owner else None
    code = code or detect(text)
    tags = strategy == "sentence" and is_tagger(model)
    encoder = ModelEncoder(model=model or catalogue.default_model(), deadline=lambda: conf.deadline)
    job = Job(
        text=text,
        language=code,
        options={**options, "units": conf.topic_units},
        count=tokenizers.counter_for(strategy, options, encoder.model),
        tagger=ModelTagger(model=model, deadline=lambda: conf.deadline, on_batch=lambda done, count: None)
        if tags
        else None,
    )
    watch = Stopwatch(SYSTEM)
    with watch.measure("total"):
        outcome = STRATEGIES[strategy](job, encoder, watch)
    run = SegmentationRun(strategy=strategy, language=code, model=model, options=options)
    item = SegmentationItem(
        run=run,
        status=Status.SUCCEEDED,
        text=text,
        language=code,
        segments=[[span.start, span.end, span.score] for span in outcome.spans],
        extra={**outcome.extra, "details": outcome.details, "model": model},
        timings=watch.rounded(),
    )
    if keeper is not None:
        record = archive.record_create(
            owner_id=keeper,
            kind="segmentation",
            title=title_of(text),
            text=text,
            payload={"strategy": strategy, "options": options, "segments": item.segments, **outcome.extra},
            tags=[strategy],
            language=code,
        )
        item.record_id = record.pk
    return item_body(run, item)


def owner_id(name: str) -> UUID:
    """Return the id of the user ``name``.

    Raises:
        InvalidRequest
    """
    found: UUID | None = get_user_model().objects.filter(username=name).values_list("pk", flat=True).first()
    if found is None:
        raise InvalidRequest(f"There is no user {name!r}.")
    return found
