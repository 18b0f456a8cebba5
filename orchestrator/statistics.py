"""Counts of inference that came over HTTP, by model version: kept in Redis, so that every web process adds to them.

Without Redis nothing is counted and nothing fails: they are figures to look at, not the truth.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import redis

from altlas.kernel.redis import client
from orchestrator.services.infer import InferenceResult

logger = logging.getLogger(__name__)
_PREFIX = "altlas:inference:"
_NANO = 1_000_000_000


def succeeded(result: InferenceResult, *, inputs: int) -> None:
    total, on_node, computing = (int(result.timings[name] * _NANO) for name in ("total", "node", "model"))
    _add(
        result.model,
        result.version,
        {
            "inference_count": inputs,
            "execution_count": 1,
            "success": 1,
            "success_ns": total,
            "queue_ns": max(0, on_node - computing),
            "compute_ns": computing,
        },
        last=True,
    )


def failed(model: str, version: str | None, *, seconds: float) -> None:
    _add(model, version or "", {"fail": 1, "fail_ns": int(seconds * _NANO)}, last=False)


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
        "batch_stats": [],
        "memory_usage": [],
    }


def _key(model: str, version: str) -> str:
    return f"{_PREFIX}{model}:{version}"


def _add(model: str, version: str, counts: dict[str, int], *, last: bool) -> None:
    key = _key(model, version)
    try:
        with client("live").pipeline(transaction=False) as pipe:
            for name, count in counts.items():
                pipe.hincrby(key, name, count)
            if last:
                pipe.hset(key, "last_inference", int(time.time() * 1000))
            pipe.execute()
    except redis.RedisError as exc:
        logger.warning("inference statistics were not counted: %s", exc)


def _read(model: str, version: str) -> dict[str, int]:
    try:
        found: dict[bytes, bytes] = client("live").hgetall(_key(model, version))  # type: ignore[assignment]
    except redis.RedisError:
        return {}
    return {name.decode(): int(value) for name, value in found.items()}
