"""What is loaded once is out of the garbage collector's sight in every process that serves for long."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.stack import ROOT


def printed(code: str) -> str:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "altlas.settings"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout.strip()


def test_the_web_process_has_loaded_and_frozen_its_views() -> None:
    told = printed(
        "import gc, sys, altlas.wsgi; "
        "print(gc.get_freeze_count(), 'archive.views' in sys.modules or any(n.startswith('archive.views') "
        "for n in sys.modules), len(gc.get_objects()))"
    )
    frozen, views, seen = told.split()
    assert int(frozen) > 50_000
    assert views == "True"
    assert int(seen) < int(frozen) / 10


def test_the_node_worker_freezes_when_it_is_ready() -> None:
    told = printed(
        "import gc, altlas.celery as module; from celery.signals import worker_ready; "
        "before = gc.get_freeze_count(); worker_ready.send(sender=None); print(before, gc.get_freeze_count())"
    )
    before, after = map(int, told.split())
    assert after > before + 10_000
