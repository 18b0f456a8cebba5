"""The Celery app: configured from Django's settings, tasks found in the apps."""

from __future__ import annotations

import os
import warnings

from celery import Celery
from celery.platforms import SecurityWarning
from celery.signals import worker_init, worker_ready
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "altlas.settings")
# Celery's worker runs Django's checks, throws their findings away, and keeps the views of every route that they load.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

# It warns root of pickled tasks; this product accepts JSON alone.
warnings.filterwarnings("ignore", category=SecurityWarning)

app = Celery("altlas", task_cls="altlas.kernel.ledger.task:LedgerTask")
app.conf.update(settings.CELERY)
app.set_current()
app.set_default()
app.autodiscover_tasks()


@worker_init.connect(dispatch_uid="altlas.node")
def _become_node(**_: object) -> None:
    # Imported when a worker starts: the steps need loaded models, and no other process needs them.
    from orchestrator.worker.steps import SUPERVISOR_STEPS

    app.steps["worker"].update(SUPERVISOR_STEPS)


@worker_ready.connect(dispatch_uid="altlas.longlived")
def _settle(**_: object) -> None:
    from altlas.kernel import longlived

    longlived.settle()
