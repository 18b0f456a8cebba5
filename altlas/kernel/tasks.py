"""The one way to send a Celery task: by name, after the transaction commits, with the request id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import kombu.exceptions
import redis
from celery import current_app
from celery.signals import task_postrun, task_prerun
from django.db import transaction

from altlas.kernel import log_context, request_id, tracing
from altlas.kernel.errors import Unavailable

_HEADER = "altlas_request_id"
_TRACE = "altlas_trace"


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
    headers: dict[str, Any] = {_HEADER: request_id.current_request_id()}
    if trace := tracing.carried():
        headers[_TRACE] = trace
    try:
        # retry=False: a broker that is away is answered with 503 at once instead of holding the request.
        current_app.send_task(name, headers=headers, retry=False, ignore_result=True, **options)
    except (kombu.exceptions.OperationalError, redis.RedisError, ConnectionError, TimeoutError) as exc:
        raise Unavailable("The message broker cannot be reached; nothing was queued. Try again shortly.") from exc


_bindings: dict[str, ExitStack] = {}


@task_prerun.connect(dispatch_uid="altlas.request_id.bind")
def _bind(task_id: str, task: Any, **_: Any) -> None:
    headers = {_HEADER: "", _TRACE: {}} | (task.request.headers or {})
    for name in (_HEADER, _TRACE):
        headers[name] = headers[name] or getattr(task.request, name, None) or type(headers[name])()
    binding = ExitStack()
    binding.enter_context(request_id.bound(str(headers[_HEADER])))
    binding.enter_context(log_context.scope())
    log_context.note(task=task.name)
    binding.enter_context(tracing.span(task.name, carrier=headers[_TRACE], **{"altlas.task_id": task_id}))
    _bindings[task_id] = binding


@task_postrun.connect(dispatch_uid="altlas.request_id.unbind")
def _unbind(task_id: str, **_: Any) -> None:
    binding = _bindings.pop(task_id, None)
    if binding is not None:
        binding.close()
