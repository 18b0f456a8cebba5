"""Settings of segmentation."""

from __future__ import annotations

from dataclasses import dataclass

from altlas.kernel import env


@dataclass(kw_only=True, slots=True)
class Conf:
    max_characters: int = env.integer(
        "ALTLAS_SEGMENTATION_MAX_CHARACTERS", 2_000_000, minimum=1, help="Longest text of one item, in code points."
    )
    max_batch: int = env.integer(
        "ALTLAS_SEGMENTATION_MAX_BATCH", 256, minimum=1, help="Most texts in one segmentation request."
    )
    max_queued: int = env.integer(
        "ALTLAS_SEGMENTATION_MAX_QUEUED", 500, minimum=1, help="Runs that may wait for a node before 503."
    )
    wait_default: float = env.seconds(
        "ALTLAS_SEGMENTATION_WAIT",
        10,
        minimum=0,
        help="How long a request waits for its result without `Prefer: wait`.",
    )
    wait_maximum: float = env.seconds(
        "ALTLAS_SEGMENTATION_WAIT_MAX", 60, minimum=0, help="Longest `Prefer: wait` that is honoured."
    )
    direct_characters: int = env.integer(
        "ALTLAS_SEGMENTATION_DIRECT_CHARACTERS",
        20_000,
        minimum=0,
        help="A text up to this long that somebody waits for is done in the web process, without the queue; 0: never.",
    )
    deadline: float = env.seconds(
        "ALTLAS_SEGMENTATION_DEADLINE", 1800, minimum=1, help="Longest execution of one run before it fails."
    )
    queue_deadline: float = env.seconds(
        "ALTLAS_SEGMENTATION_QUEUE_DEADLINE", 1800, minimum=1, help="Longest wait of a run for a node before it fails."
    )
    claim_ttl: float = env.seconds(
        "ALTLAS_SEGMENTATION_CLAIM_TTL",
        60,
        minimum=1,
        help="A running run whose node gave no sign of life for so long may be taken over by another.",
    )
    resend_after: float = env.seconds(
        "ALTLAS_SEGMENTATION_RESEND_AFTER",
        60,
        minimum=1,
        help="A run that no node took is put into the queue again so long after it last was: its message may be lost.",
    )
    encode_batch: int = env.integer(
        "ALTLAS_SEGMENTATION_ENCODE_BATCH", 128, minimum=1, help="Sentences sent to the model at once."
    )
    topic_units: int = env.integer(
        "ALTLAS_SEGMENTATION_TOPIC_UNITS",
        2_000,
        minimum=50,
        maximum=4_000,
        help="Most units that the topic strategy weighs; sentences of a longer text are grouped to stay below it.",
    )
    events_maximum: float = env.seconds(
        "ALTLAS_SEGMENTATION_EVENTS_MAX", 600, minimum=1, help="Longest life of one event stream."
    )
    events_streams: int = env.integer(
        "ALTLAS_SEGMENTATION_EVENT_STREAMS", 8, minimum=1, help="Event streams that a web process serves at a time."
    )


conf = Conf()
EMBEDDING_DIMENSIONS = 384  # the width that the archive keeps
