"""The programs of ALT_LAS: web, node worker, beat. ``deploy/`` runs the same commands under systemd."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

from django.conf import settings
from prometheus_client.multiprocess import mark_process_dead

from altlas.engines.conf import HOME
from altlas.supervisor.conf import conf
from altlas.supervisor.program import Program

NAMES = ("worker", "web", "beat")


def metrics_folder() -> Path:
    """The folder in which the processes of this machine share their metrics, so that ``/metrics`` shows all."""
    return HOME.path / "run" / "metrics"


def _environment() -> dict[str, str]:
    return {
        "PROMETHEUS_MULTIPROC_DIR": str(metrics_folder()),
        "DJANGO_SETTINGS_MODULE": "altlas.settings",
        # Many threads, little memory each: glibc's arena per thread would only be scattered (docs/decisions/0034).
        "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
    }


def program(name: str) -> Program:
    """Return the program called ``name`` (one of ``NAMES``)."""
    return {"web": _web, "worker": _worker, "beat": _beat}[name]()


def _web() -> Program:
    command = [
        *_tool("granian"),
        "altlas.wsgi:application",
        "--interface=wsgi",
        "--no-ws",
        f"--host={settings.HOST}",
        f"--port={settings.PORT}",
        f"--workers={conf.web_processes}",
        f"--blocking-threads={conf.web_threads}",
        f"--backpressure={conf.web_backlog}",
        "--respawn-failed-workers",
        "--workers-kill-timeout=15",
        "--log-level=error",
    ]
    return Program(name="web", command=command, environment=_environment())


def _worker() -> Program:
    node = settings.NODE_NAME
    command = [
        *_tool("celery"),
        "--quiet",
        "--app=altlas.celery",
        "worker",
        "--pool=threads",
        f"--concurrency={conf.node_threads}",
        f"--hostname={node}",
        f"--queues=altlas,altlas.node.{node}",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
        "--loglevel=warning",
    ]
    # A node that is gone must not go on reporting what it held.
    forget = partial(mark_process_dead, path=str(metrics_folder()))
    return Program(name="worker", command=command, environment=_environment(), stop_within=30.0, ended=forget)


def _beat() -> Program:
    command = [*_tool("celery"), "--quiet", "--app=altlas.celery", "beat", "--pidfile=", "--loglevel=warning"]
    return Program(name="beat", command=command, environment=_environment())


def _tool(name: str) -> list[str]:
    # By module, not by script: scripts in a virtual environment break when the folder moves or its path is long.
    return [sys.executable, "-m", name]
