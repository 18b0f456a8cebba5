"""Writes decisions and measurements to PostgreSQL, off the owner loop: the database may be slow or away."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from django.db import DatabaseError, InterfaceError, close_old_connections

from orchestrator.models import JobStatus
from orchestrator.runner.errors import VARIANT_UNUSABLE
from orchestrator.services.catalogue import failure_record, loaded_record, measured_record
from orchestrator.services.events import event_record
from orchestrator.services.jobs import job_begun, job_ended
from orchestrator.services.rollout import policy_apply
from orchestrator.services.variants import variant_drop
from orchestrator.supervisor.runner import Loaded, LoadFailed
from orchestrator.supervisor.spec import VersionSpec
from orchestrator.supervisor.supervisor import CacheRecord

logger = logging.getLogger(__name__)
_BOUND = 10_000


class Journal:
    """A bounded queue with one writer; what does not fit or cannot be written is logged and dropped."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._queue: queue.Queue[Callable[[], object] | None] = queue.Queue(_BOUND)
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, *, within: float = 5.0) -> None:
        self._put(None)
        self._thread.join(within)

    def record(self, record: CacheRecord) -> None:
        at = datetime.fromtimestamp(record.at, UTC)
        self._put(
            lambda: event_record(
                kind=record.kind,
                model=record.key.model,
                version=record.key.version,
                node=self._node,
                reason=record.reason,
                inputs=record.inputs,
                decision=record.decision,
                at=at,
            )
        )

        if record.kind == "load":
            self._put(lambda: job_begun(model=record.key.model, version=record.key.version, node=self._node))
        elif record.kind in {"ready", "fail", "cancel"}:
            code = "" if record.kind == "ready" else record.reason
            status = {"ready": JobStatus.READY, "fail": JobStatus.FAILED, "cancel": JobStatus.CANCELLED}[record.kind]
            self._put(
                lambda: job_ended(
                    model=record.key.model,
                    version=record.key.version,
                    node=self._node,
                    status=status,
                    code=code,
                    detail=str(record.inputs.get("detail", "")),
                )
            )

    def loaded(self, spec: VersionSpec, loaded: Loaded, measured: int) -> None:
        def write() -> None:
            news = loaded_record(
                model=spec.key.model,
                version=spec.key.version,
                measured_bytes=measured,
                seconds=loaded.load_seconds + loaded.warm_seconds,
                facts=loaded.facts,
            )
            if news:  # traffic goes to it from now on, and the version policy may leave another one out
                policy_apply(model=spec.key.model, besides=spec.key.version)

        self._put(write)

    def measured(self, spec: VersionSpec, measured: int) -> None:
        self._put(lambda: measured_record(model=spec.key.model, version=spec.key.version, measured_bytes=measured))

    def failed(self, spec: VersionSpec, failure: LoadFailed) -> None:
        model, version = spec.key
        if failure.code == VARIANT_UNUSABLE:
            self._put(
                lambda: variant_drop(
                    model=model,
                    version=version,
                    runtime=spec.runtime,
                    node=self._node,
                    manifest=spec.variant_manifest,
                    detail=failure.detail,
                )
            )
        elif failure.permanent:
            self._put(lambda: failure_record(model=model, version=version, node=self._node, detail=failure.detail))

    def _put(self, work: Callable[[], object] | None) -> None:
        try:
            self._queue.put_nowait(work)
        except queue.Full:
            logger.error("the decision log is %s entries behind; one is dropped", _BOUND)

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            try:
                work()
            except (DatabaseError, InterfaceError) as exc:
                logger.warning("a decision could not be written to the log: %s", exc)
            except Exception:  # a defect in one entry must not end the log
                logger.exception("a decision could not be written to the log")
            finally:
                close_old_connections()
