"""Settings of the memory watch."""

from __future__ import annotations

from dataclasses import dataclass

from altlas.kernel import env


@dataclass(kw_only=True, slots=True)
class Conf:
    seconds: float = env.seconds(
        "ALTLAS_MEMORY_SECONDS", 15, minimum=0.1, help="How often a node reads the memory of its processes."
    )
    keep_hours: float = env.decimal(
        "ALTLAS_MEMORY_KEEP_HOURS", 72, minimum=0.01, help="How long the time series of memory is kept."
    )
    keep_rows: int = env.integer(
        "ALTLAS_MEMORY_KEEP_ROWS", 200_000, minimum=100, help="Rows of the time series of one node at most."
    )
    runner_soft: float = env.decimal(
        "ALTLAS_MEMORY_RUNNER_SOFT",
        1.5,
        minimum=1.0,
        help="A model process above this many times its memory after the warm-up is told to give memory back.",
    )
    runner_hard: float = env.decimal(
        "ALTLAS_MEMORY_RUNNER_HARD",
        2.5,
        minimum=1.0,
        help="A model process above this many times its memory after the warm-up is replaced.",
    )
    runner_slack: int = env.size_bytes(
        "ALTLAS_MEMORY_RUNNER_SLACK",
        64 * 2**20,
        shown="64M",
        help="What a model process may hold above either threshold, so that small models are not replaced for little.",
    )
    worker_soft: int = env.size_bytes(
        "ALTLAS_MEMORY_WORKER_SOFT", 512 * 2**20, shown="512M", help="Anonymous memory of a web or node process: alert."
    )
    worker_hard: int = env.size_bytes(
        "ALTLAS_MEMORY_WORKER_HARD",
        1024 * 2**20,
        shown="1G",
        help="Anonymous memory of a web or node process: graver alert.",
    )
    node_soft: float = env.decimal(
        "ALTLAS_MEMORY_NODE_SOFT",
        0.8,
        minimum=0.01,
        maximum=1.0,
        help="Share of the machine's or cgroup's memory that all processes of a node hold: alert, and all give back.",
    )
    node_hard: float = env.decimal(
        "ALTLAS_MEMORY_NODE_HARD",
        0.9,
        minimum=0.01,
        maximum=1.0,
        help="The same share: graver alert. New loads are refused from ALTLAS_MODEL_HARD_LIMIT on.",
    )


conf = Conf()
