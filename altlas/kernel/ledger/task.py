"""The base class of all tasks: its hooks keep the ledger, and a revoked task does not run."""

from __future__ import annotations

from typing import Any

from celery import Task
from celery.exceptions import Ignore
from celery.signals import after_task_publish
from django.conf import settings

from altlas.kernel import request_id
from altlas.kernel.ledger import writing
from altlas.kernel.ledger.conf import conf


class LedgerTask(Task):  # type: ignore[misc]  # Celery has no types
    abstract = True

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        if not conf.enabled:
            return
        if not writing.note_started(
            task_id=task_id,
            name=self.name,
            queue=str((self.request.delivery_info or {}).get("routing_key") or ""),
            node=str(self.request.hostname or settings.NODE_NAME),
            request_id=request_id.current_request_id(),
            retries=int(self.request.retries or 0),
        ):
            raise Ignore

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
        self._ended(task_id, writing.State.SUCCEEDED)

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        self._ended(task_id, writing.State.FAILED, f"{type(exc).__name__}: {exc}")

    def on_retry(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        self._ended(task_id, writing.State.RETRY, f"{type(exc).__name__}: {exc}")

    def _ended(self, task_id: str, state: str, error: str = "") -> None:
        if conf.enabled:
            writing.note_ended(task_id=task_id, state=state, error=error)


@after_task_publish.connect(dispatch_uid="altlas.ledger.sent")
def _sent(sender: str = "", headers: Any = None, body: Any = None, routing_key: str = "", **_: Any) -> None:
    if not conf.enabled or not headers or "id" not in headers:
        return
    args, kwargs = (body[0], body[1]) if isinstance(body, list | tuple) and len(body) >= 2 else ((), {})
    writing.note_sent(
        task_id=headers["id"],
        name=sender,
        queue=routing_key or "",
        args=args,
        kwargs=kwargs,
        request_id=request_id.current_request_id(),
    )
