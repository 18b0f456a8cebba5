"""Settings of the processes of one machine."""

from __future__ import annotations

from dataclasses import dataclass

from altlas.kernel import env


@dataclass(kw_only=True, slots=True)
class Conf:
    web_processes: int = env.integer(
        "ALTLAS_WEB_PROCESSES", 2, minimum=1, help="Web processes; as many as the cores they may use."
    )
    web_threads: int = env.integer("ALTLAS_WEB_THREADS", 8, minimum=1, help="Request threads of one web process.")
    web_backlog: int = env.integer(
        "ALTLAS_WEB_BACKPRESSURE",
        64,
        minimum=1,
        help="Requests that one web process has in hand at most; further connections wait unaccepted.",
    )
    node_threads: int = env.integer(
        "ALTLAS_NODE_THREADS", 8, minimum=1, help="Tasks that the node worker has under way at a time."
    )


conf = Conf()
