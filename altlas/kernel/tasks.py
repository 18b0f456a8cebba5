"""The one way to send a Celery task: by name, after the transaction commits, with the request id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import kombu.exceptions
import redis
from celery import current_app
from celery.signals import task_postrun, task_prerun
from django.db import transaction

from altlas.kernel import request_id
from altlas.kernel.errors import Unavailable

_HEADER = "altlas_request_id"


def enqueue(
    name: str,
    *,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    queue: str | None = None,
    on_commit: bool = True,
    expires: float | None = None,
    countdown: float | None = None,
) -> None:
    """Send the task ``name``; arguments are ids and small JSON values.

    With ``on_commit`` (the default) it leaves only when the open transaction commits, so that a worker never looks
    for a row that is not there yet; outside a transaction it leaves at once.

    Raises:
        Unavailable: the broker did not take it (never for a task deferred by ``on_commit`` inside a transaction
            that the caller still has open: then the error rises from the commit).
    """
    send = partial(
        _send, name, args=list(args), kwargs=dict(kwargs or {}), queue=queue, expires=expires, countdown=countdown
    )
    if on_commit:
        transaction.on_commit(send)
    else:
        send()


def _send(name: str, **options: Any) -> None:
    headers = {_HEADER: request_id.current_request_id()}
    try:
        # retry=False: a broker that is away is answered with 503 at once instead of holding the request.
        current_app.send_task(name, headers=headers, retry=False, ignore_result=True, **options)
    except (kombu.exceptions.OperationalError, redis.RedisError, ConnectionError, TimeoutError) as exc:
        raise Unavailable("The message broker cannot be reached; nothing was queued. Try again shortly.") from exc


_bindings: dict[str, Any] = {}


@task_prerun.connect(dispatch_uid="altlas.request_id.bind")
def _bind(task_id: str, task: Any, **_: Any) -> None:
    headers = task.request.headers or {}
    binding = request_id.bound(str(headers.get(_HEADER) or getattr(task.request, _HEADER, "") or ""))
    binding.__enter__()
    _bindings[task_id] = binding


@task_postrun.connect(dispatch_uid="altlas.request_id.unbind")
def _unbind(task_id: str, **_: Any) -> None:
    binding = _bindings.pop(task_id, None)
    if binding is not None:
        binding.__exit__(None, None, None)
