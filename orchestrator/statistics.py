"""Counts of inference that came over HTTP, by model version: kept in Redis, so that every node adds to them.

Without Redis nothing is counted and nothing fails: they are figures to look at, not the truth.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import redis
from redis.client import Pipeline

from altlas.kernel.redis import client

logger = logging.getLogger(__name__)
_PREFIX = "altlas:inference:"
_NANO = 1_000_000_000
_BATCHES, _BATCHES_NS = "batches:", "batches_ns:"


def succeeded(pipe: Pipeline, answer: Mapping[str, Any], *, inputs: int) -> None:
    """Have ``pipe`` count what a node answered; the reply itself goes the same way, so that counting costs its waiter
    no round trip. Durations are the node's. Executions are forward passes: a pass that several requests share comes
    with the first answer after it, and is not counted where that answer is none of those that are."""
    on_node, computing = int(answer["node_seconds"] * _NANO), int(answer["model_seconds"] * _NANO)
    counts = {
        "inference_count": inputs,
        "execution_count": len(answer["batches"]),
        "success": 1,
        "success_ns": on_node,
        "queue_ns": max(0, on_node - computing),
        "compute_ns": computing,
    }
    for size, seconds in answer["batches"]:
        for name, count in ((_BATCHES, 1), (_BATCHES_NS, int(seconds * _NANO))):
            counts[f"{name}{size}"] = counts.get(f"{name}{size}", 0) + count
    key = _key(answer["model"], answer["version"])
    for name, count in counts.items():
        pipe.hincrby(key, name, count)
    pipe.hset(key, "last_inference", int(time.time() * 1000))


def failed(model: str, version: str | None, *, seconds: float) -> None:
    key = _key(model, version or "")
    try:
        with client("broker").pipeline(transaction=False) as pipe:
            pipe.hincrby(key, "fail", 1)
            pipe.hincrby(key, "fail_ns", int(seconds * _NANO))
            pipe.execute()
    except redis.RedisError as exc:
        logger.warning("inference statistics were not counted: %s", exc)


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
