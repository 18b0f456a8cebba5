"""Settings of the orchestrator."""

from __future__ import annotations

import os
from dataclasses import dataclass

from altlas.kernel import env


@dataclass(kw_only=True, slots=True)
class Conf:
    default_model: str = env.text(
        "ALTLAS_MODEL", "all-minilm-l6-v2", help="Name of the sentence-embedding model that is used when none is named."
    )
    memory_budget: int = env.size_bytes(
        "ALTLAS_MODEL_MEMORY",
        0,
        shown="half of the machine's or cgroup's memory",
        help="Bytes that loaded models of one node may hold together; 0 is the default.",
    )
    low_watermark: float = env.decimal(
        "ALTLAS_MODEL_LOW_WATERMARK",
        0.85,
        minimum=0.0,
        maximum=1.0,
        help="Share of the budget that an eviction goes down to once the high watermark was passed.",
    )
    high_watermark: float = env.decimal(
        "ALTLAS_MODEL_HIGH_WATERMARK",
        0.95,
        minimum=0.1,
        maximum=1.0,
        help="Share of the budget above which idle models are evicted in the background.",
    )
    high_idle: float = env.seconds(
        "ALTLAS_MODEL_HIGH_WATERMARK_IDLE",
        60,
        help="Above the high watermark, what was not used for this long is evicted; models in turn use may fill the "
        "whole budget.",
    )
    hard_limit: float = env.decimal(
        "ALTLAS_MODEL_HARD_LIMIT",
        0.95,
        minimum=0.1,
        maximum=1.0,
        help="Share of the machine's or cgroup's memory in use above which a node refuses new work with 503.",
    )
    runner_memory_factor: float = env.decimal(
        "ALTLAS_MODEL_PROCESS_MEMORY_FACTOR",
        2.0,
        minimum=0.0,
        maximum=100.0,
        help="A model process may hold this many times its expected memory, at least 256 MiB more; 0 sets no limit.",
    )
    torch_threads: int = env.integer(
        "ALTLAS_MODEL_THREADS",
        max(1, (os.cpu_count() or 2) // 2),
        minimum=1,
        help="Processor threads of one model process; default: half of the cores.",
    )
    preload: bool = env.flag(
        "ALTLAS_MODEL_PRELOAD",
        True,
        help="Import torch once per node, so that models start in a fraction of a second; 0 saves its memory.",
    )
    spare: bool = env.flag(
        "ALTLAS_MODEL_SPARE", True, help="Keep one idle model process ready, which takes the next load."
    )
    batch_tokens: int = env.integer(
        "ALTLAS_MODEL_BATCH_TOKENS",
        1024,
        minimum=64,
        help="Tokens, padding included, that go through a model in one forward pass at most.",
    )
    batch_delay: int = env.integer(
        "ALTLAS_MODEL_BATCH_DELAY",
        10,
        minimum=0,
        help="Milliseconds that a narrow forward pass waits at most for requests to share it, never more than half of "
        "the last pass; it waits only while fewer are there than a moment ago, so a lone client never does. 0: never.",
    )
    allocator: str = env.text(
        "ALTLAS_MODEL_ALLOCATOR",
        help="Library that model processes preload as their allocator, such as `libjemalloc.so.2`; unset, glibc's own.",
    )
    onednn_cache: int = env.integer(
        "ALTLAS_MODEL_ONEDNN_CACHE",
        1024,
        minimum=0,
        help="Compiled primitives that oneDNN keeps in a model process (docs/decisions/0033).",
    )
    infer_seconds: float = env.seconds(
        "ALTLAS_INFER_SECONDS", 30, minimum=0.1, help="Deadline of an inference request that names none."
    )
    lane: str = env.choice(
        "ALTLAS_INFER_LANE",
        "direct",
        choices=("direct", "redis", "celery"),
        help="How synchronous inference reaches a node: `direct` through its door where that is on this machine and "
        "over its Redis list otherwise, `redis` over its list always, `celery` as a task.",
    )
    lane_threads: int = env.integer(
        "ALTLAS_INFER_LANE_THREADS", 16, minimum=1, help="Synchronous requests that one node has under way at a time."
    )
    lane_queue: int = env.integer(
        "ALTLAS_INFER_LANE_QUEUE",
        256,
        minimum=1,
        help="Synchronous requests that may wait for one node; more are refused with 503.",
    )
    max_inputs: int = env.integer(
        "ALTLAS_INFER_MAX_INPUTS", 20_000, minimum=1, help="Texts in one inference request at most."
    )
    max_characters: int = env.integer(
        "ALTLAS_INFER_MAX_CHARACTERS", 8_000_000, minimum=1, help="Characters in one inference request at most."
    )
    load_seconds: float = env.seconds(
        "ALTLAS_MODEL_LOAD_SECONDS", 120, minimum=1, help="Longest load of a model up to 1 GiB; grows with its size."
    )
    load_seconds_per_gib: float = env.seconds(
        "ALTLAS_MODEL_LOAD_SECONDS_PER_GIB", 20, minimum=0, help="What each GiB of weights adds to the longest load."
    )
    stall_seconds: float = env.seconds(
        "ALTLAS_MODEL_STALL_SECONDS",
        30,
        minimum=0.5,
        help="What a load that still makes progress is given beyond its longest time, repeatedly, up to ten times it.",
    )
    backoff_seconds: float = env.seconds(
        "ALTLAS_MODEL_BACKOFF_SECONDS", 10, minimum=0.01, help="Wait after a failed load; doubles up to 5 minutes."
    )
    history_days: int = env.integer(
        "ALTLAS_MODEL_HISTORY_DAYS", 30, minimum=1, help="How long the decision log and load jobs that ended are kept."
    )
    parallel_loads: int = env.integer(
        "ALTLAS_MODEL_PARALLEL_LOADS", 2, minimum=1, help="Loads that one node has under way at a time."
    )
    load_queue: int = env.integer(
        "ALTLAS_MODEL_LOAD_QUEUE", 64, minimum=1, help="Loads that may wait on one node; more are refused with 503."
    )
    min_residency: float = env.seconds(
        "ALTLAS_MODEL_MIN_RESIDENCY",
        2,
        help="Seconds that a loaded model is safe from eviction, so that two models do not evict each other in turns.",
    )
    keep_alive: float = env.seconds(
        "ALTLAS_MODEL_KEEP_ALIVE",
        0,
        help="Seconds after its last use that a model is unloaded; 0 keeps it until memory is needed.",
    )
    patience: float = env.seconds(
        "ALTLAS_MODEL_PATIENCE",
        5,
        help="A load that has waited this long for room gets it from a model in use, once those who use it are done.",
    )
    busy_leases: float = env.decimal(
        "ALTLAS_MODEL_BUSY_REQUESTS",
        4.0,
        minimum=0.5,
        maximum=10_000.0,
        help="Requests at a time, per process, from which a model counts as busy.",
    )
    grow_seconds: float = env.seconds(
        "ALTLAS_MODEL_GROW_SECONDS", 5, help="A model that is busy this long gets one more process, up to its most."
    )
    shrink_seconds: float = env.seconds(
        "ALTLAS_MODEL_SHRINK_SECONDS", 60, help="A model that could do with one process fewer this long loses one."
    )
    recycle_seconds: float = env.seconds(
        "ALTLAS_MODEL_RECYCLE_SECONDS", 86_400, help="Age at which a model process is replaced; 0 is never."
    )
    recycle_uses: int = env.integer(
        "ALTLAS_MODEL_RECYCLE_REQUESTS", 1_000_000, help="Requests after which a model process is replaced; 0 is never."
    )
    recycle_growth: int = env.size_bytes(
        "ALTLAS_MODEL_RECYCLE_GROWTH",
        256 * 2**20,
        help="Growth of its private memory at which a model process is replaced; 0 is never.",
    )
    ping_seconds: float = env.seconds(
        "ALTLAS_MODEL_PING_SECONDS", 10, minimum=0.1, help="How often an idle model process is asked whether it lives."
    )
    hang_seconds: float = env.seconds(
        "ALTLAS_MODEL_HANG_SECONDS",
        60,
        minimum=0.5,
        help="A model process that does not answer a sign-of-life question for this long is ended.",
    )
    stuck_seconds: float = env.seconds(
        "ALTLAS_MODEL_STUCK_SECONDS", 300, minimum=1, help="A model process that computes one batch this long is ended."
    )
    heartbeat_seconds: float = env.seconds(
        "ALTLAS_NODE_HEARTBEAT_SECONDS", 1, minimum=0.05, help="How often a node reports its state."
    )
    heartbeat_ttl: float = env.seconds(
        "ALTLAS_NODE_TTL", 5, minimum=0.2, help="A node that has not reported for this long counts as gone."
    )
    catalogue_seconds: float = env.seconds(
        "ALTLAS_CATALOGUE_SECONDS", 2, help="How long a node trusts its copy of a catalogue row."
    )


conf = Conf()
