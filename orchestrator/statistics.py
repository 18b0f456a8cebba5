"""Counts of inference that came over HTTP, by model version: kept in Redis, so that every node adds to them.

Without Redis nothing is counted and nothing fails: they are figures to look at, not the truth.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import redis

from altlas.kernel.once import Once
from altlas.kernel.redis import client

logger = logging.getLogger(__name__)
_PREFIX = "altlas:inference:"
_NANO = 1_000_000_000
_BATCHES, _BATCHES_NS = "batches:", "batches_ns:"


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What inferences add to the figures of a version. Durations are the node's. Executions are forward passes: a pass
    that several requests share comes with the first answer after it, and is not counted where that answer is none of
    those that are."""

    model: str
    version: str
    figures: Mapping[str, int]

    @classmethod
    def of(cls, answer: Mapping[str, Any], *, inputs: int) -> Counts:
        """Return what a node's answer to a request with ``inputs`` inputs adds."""
        on_node, computing = int(answer["node_seconds"] * _NANO), int(answer["model_seconds"] * _NANO)
        figures = Counter(
            {
                "inference_count": inputs,
                "execution_count": len(answer["batches"]),
                "success": 1,
                "success_ns": on_node,
                "queue_ns": max(0, on_node - computing),
                "compute_ns": computing,
            }
        )
        for size, seconds in answer["batches"]:
            figures[f"{_BATCHES}{size}"] += 1
            figures[f"{_BATCHES_NS}{size}"] += int(seconds * _NANO)
        return cls(model=answer["model"], version=answer["version"], figures=figures)


def count(counts: Counts) -> None:
    """Add ``counts`` soon, in a thread of its own and together with what comes in the meantime."""
    _waiting().put(counts)


@Once
def _waiting() -> queue.SimpleQueue[Counts]:
    waiting: queue.SimpleQueue[Counts] = queue.SimpleQueue()
    threading.Thread(target=_count, args=(waiting,), name="statistics", daemon=True).start()
    return waiting


def _count(waiting: queue.SimpleQueue[Counts]) -> None:
    while True:
        sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
        one = waiting.get()
        with suppress(queue.Empty):
            while True:
                sums[_key(one.model, one.version)].update(one.figures)
                one = waiting.get_nowait()
        now = int(time.time() * 1000)
        try:
            with client("broker").pipeline(transaction=False) as pipe:
                for key, figures in sums.items():
                    for name, number in figures.items():
                        pipe.hincrby(key, name, number)
                    if figures["success"]:
                        pipe.hset(key, "last_inference", now)
                pipe.execute()
        except redis.RedisError as exc:
            logger.warning("inference statistics were not counted: %s", exc)


def failed(model: str, version: str, *, seconds: float) -> None:
    """Count a failure, as ``count`` does; ``version`` is one of the catalogue's, because its figures stay."""
    count(Counts(model=model, version=version, figures={"fail": 1, "fail_ns": int(seconds * _NANO)}))


def of(model: str, version: str) -> dict[str, Any]:
    """Return the counts in the shape of Triton's statistics extension."""
    found = _read(model, version)

    def duration(count: str, nanoseconds: str) -> dict[str, int]:
        return {"count": found.get(count, 0), "ns": found.get(nanoseconds, 0)}

    nothing = {"count": 0, "ns": 0}
    return {
        "name": model,
        "version": version,
        "last_inference": found.get("last_inference", 0),
        "inference_count": found.get("inference_count", 0),
        "execution_count": found.get("execution_count", 0),
        "inference_stats": {
            "success": duration("success", "success_ns"),
            "fail": duration("fail", "fail_ns"),
            "queue": duration("success", "queue_ns"),
            "compute_input": nothing,
            "compute_infer": duration("success", "compute_ns"),
            "compute_output": nothing,
            "cache_hit": nothing,
            "cache_miss": nothing,
        },
        "batch_stats": [
            {
                "batch_size": size,
                "compute_input": nothing,
                "compute_infer": duration(f"{_BATCHES}{size}", f"{_BATCHES_NS}{size}"),
                "compute_output": nothing,
            }
            for size in sorted(int(name.removeprefix(_BATCHES)) for name in found if name.startswith(_BATCHES))
        ],
        "memory_usage": [],
    }


def _key(model: str, version: str) -> str:
    return f"{_PREFIX}{model}:{version}"


def _read(model: str, version: str) -> dict[str, int]:
    try:
        found: dict[bytes, bytes] = client("broker").hgetall(_key(model, version))  # type: ignore[assignment]
    except redis.RedisError:
        return {}
    return {name.decode(): int(value) for name, value in found.items()}
