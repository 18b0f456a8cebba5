"""Loading and unloading on request."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from altlas.kernel import replies
from altlas.kernel.errors import AltlasError
from altlas.kernel.request_id import current_request_id
from altlas.kernel.tasks import enqueue
from orchestrator import exceptions, lane
from orchestrator.conf import conf
from orchestrator.lane import shared_time
from orchestrator.models import EventKind, JobStatus, ModelVersion
from orchestrator.runner.census import Census
from orchestrator.selectors.catalogue import (
    models_named,
    task_of,
    version_find,
    version_known,
    versions_served,
)
from orchestrator.selectors.cluster import live_nodes, node_alive
from orchestrator.services import jobs
from orchestrator.services.catalogue import model_change
from orchestrator.services.events import event_record
from orchestrator.services.specs import spec_forget, spec_of
from orchestrator.supervisor.spec import Key, VersionSpec
from orchestrator.worker import node as here

logger = logging.getLogger(__name__)
_SETTLE_SECONDS = 5.0
_SETTLE_LATE_SECONDS = 60.0
_LAST_LOOK_SECONDS = 0.1
# What takes a node a moment goes by a way of its own: as a task it would wait for the loads that it is to end.
_AT_ONCE = frozenset({"unload", "recycle", "cancel", "settle", "drain", "resume"})
_own_census = Census(frozen=False)


def model_load(
    *, model: str, version: str | None = None, node: str | None = None, seconds: float | None = None, actor: str = ""
) -> dict[str, Any]:
    """Load ``model`` on ``node`` (default: any live one) and return ``{"model", "version", "node", "seconds"}``.

    Raises: as ``infer``; the load goes on when ``seconds`` have passed.
    """
    row = version_find(model=model, version=version)
    return _order("load", model=model, version=row.version, node=node, seconds=seconds, actor=actor)


def model_unload(
    *, model: str, version: str | None = None, node: str | None = None, seconds: float | None = None, actor: str = ""
) -> dict[str, Any]:
    """Unload ``model`` from ``node`` (default: from every live node); requests under way finish first.

    Without ``version``, every version is unloaded; a retired one may be named, too. Returns ``{"model", "version",
    "node", "replicas"}``.
    """
    wanted = version and version_known(model=model, version=version).version
    return _order("unload", model=model, version=wanted, node=node, seconds=seconds, actor=actor)


def model_recycle(
    *, model: str, version: str | None = None, node: str | None = None, seconds: float = 10.0, actor: str = ""
) -> dict[str, Any]:
    """Replace the processes of ``model`` on ``node`` (default: every live one), each by a warm successor first.

    Returns at once with how many there are; no request fails meanwhile. Errors as by ``model_unload``.
    """
    wanted = version and version_find(model=model, version=version).version
    return _order("recycle", model=model, version=wanted, node=node, seconds=seconds, actor=actor)


def model_cancel(
    *, model: str, version: str | None = None, node: str | None = None, seconds: float = 10.0, actor: str = ""
) -> dict[str, Any]:
    """End the loads of ``model`` that are queued or under way; who waits for them is told so.

    Errors as by ``model_unload``.
    """
    wanted = version and version_known(model=model, version=version).version
    return _order("cancel", model=model, version=wanted, node=node, seconds=seconds, actor=actor)


def model_pin(*, name: str, pinned: bool, actor: str = "") -> None:
    """Keep ``name`` from being evicted, on every node, now and later; or no longer.

    Raises:
        ModelNotFound.
    """
    model_change(name=name, changes={"pinned": pinned}, actor=actor)
    nodes_settle(model=name)


def nodes_settle(*, model: str, besides: str | None = None) -> int:
    """Have every live node follow the catalogue as it is now: read it anew, pin and bound the copies of ``model`` as it
    says, and let go of those whose version is not served any more, ``besides`` spared. Return how many copies go.

    A node that does not answer in time carries it out when it can, within a minute, by the catalogue as it is then.
    """
    # Also those whose last sign of life shows no copy: one may have been loaded since.
    names = [node["name"] for node in live_nodes(fresh=True)]
    answers = orders_send("settle", model=model, version=besides, nodes=names, seconds=_SETTLE_SECONDS)
    for name, answer in answers.items():
        if isinstance(answer, AltlasError):
            logger.warning("%s was not told of a change of %s: %s", name, model, answer.detail)
    return sum(int(answer["replicas"]) for answer in answers.values() if not isinstance(answer, AltlasError))


def model_census(*, model: str, node: str, lines: bool, seconds: float = 120.0) -> dict[str, Any]:
    """Return what grew since the first census, in the model's process (``runner``) and in the node worker (``worker``).

    With ``lines`` both trace their allocations from the first census on, which costs time and memory.
    """
    verb = "census-lines" if lines else "census"
    return send_order(verb, model=model, version=None, node=node, seconds=seconds)


def order_here(*, verb: str, model: str, version: str | None, until: float) -> dict[str, Any]:
    """Carry out an order on this node; ``until`` by the monotonic clock."""
    current = here.current()
    if current is None:
        raise exceptions.NodeUnavailable("This process is no node worker.")
    begun = time.monotonic()
    spec_forget()  # orders follow changes of the catalogue
    if verb == "load":
        spec = spec_of(version_find(model=model, version=version))
        current.supervisor.load(spec, deadline=until)
        return {
            "model": model,
            "version": spec.key.version,
            "node": current.name,
            "seconds": time.monotonic() - begun,
        }
    if verb in {"drain", "resume"}:
        here.set_draining(verb == "drain")
        held = [[key.model, key.version] for key in current.supervisor.held()]
        return {"model": model, "version": version, "node": current.name, "replicas": 0, "held": held}
    if verb.startswith("census"):
        runners = [runner for key, runner in current.supervisor.runners() if key.model == model]
        if not runners:
            raise exceptions.ModelUnavailable(f"{model} is not loaded on this node.")
        lines = verb == "census-lines"
        return {
            "runner": runners[0].census(lines=lines, timeout=until - time.monotonic()),
            "worker": _own_census.take(lines=lines),
        }
    keys = {Key(replica["model"], replica["version"]) for replica in current.supervisor.state()["replicas"]}
    chosen = [key for key in keys if key.model == model and version in (None, key.version)]
    if verb == "settle":
        for row in models_named({model}):
            current.supervisor.follow(model, pinned=row.pinned, max_replicas=row.max_replicas)
        served = {Key(model, row.version) for row in versions_served(model=model)} | {Key(model, version or "")}
        leaving = [key for key in keys if key.model == model and key not in served]
        count = sum(current.supervisor.unload(key, reason="policy") for key in leaving)
        return {"model": model, "version": version, "node": current.name, "replicas": count}
    act: dict[str, Callable[[Key], int]] = {
        "unload": current.supervisor.unload,
        "recycle": lambda key: current.supervisor.recycle(key, spec=_spec_now(key)),
        "cancel": current.supervisor.cancel,
    }
    count = sum(act[verb](key) for key in chosen)
    return {"model": model, "version": version, "node": current.name, "replicas": count}


def _spec_now(key: Key) -> VersionSpec | None:
    """Return what the catalogue says of a version by now; None when it says nothing more."""
    try:
        return spec_of(version_find(model=key.model, version=key.version))
    except AltlasError:
        return None


def _order(
    verb: str, *, model: str, version: str | None, node: str | None, seconds: float | None, actor: str
) -> dict[str, Any]:
    seconds = conf.load_seconds if seconds is None else seconds
    task_of(model=model)  # raises for what was never registered: no node could have it
    event_record(kind=EventKind.OPERATE, model=model, version=version or "", node=node or "", reason=verb, actor=actor)
    current = here.current()
    if current is not None and node in (None, current.name):
        return order_here(verb=verb, model=model, version=version, until=time.monotonic() + seconds)
    nodes = live_nodes(fresh=True)
    names = [found["name"] for found in nodes]
    if node is not None and node not in names:
        raise exceptions.NodeNotFound(f"There is no live node {node!r}.")
    if not names:
        raise exceptions.NodeUnavailable("No node is alive; try again shortly.")
    if verb == "load":
        target = node or _holders_first(nodes, model, version)[0]
        return load_on(
            version_find(model=model, version=version), node=target, seconds=seconds, requested_by=actor or "operator"
        )
    targets = [node] if node else names
    answers = orders_send(verb, model=model, version=version, nodes=targets, seconds=seconds)
    failed = {name: answer for name, answer in answers.items() if isinstance(answer, AltlasError)}
    if failed:
        name, failure = next(iter(failed.items()))
        if len(targets) == 1:
            raise failure
        done = ", ".join(answers.keys() - failed.keys()) or "no other node"
        raise exceptions.NodeUnavailable(f"{name}: {failure.detail} Done on {done}.")
    return {
        "model": model,
        "version": version,
        "node": node,
        "replicas": sum(int(answer["replicas"]) for answer in answers.values() if isinstance(answer, dict)),
    }


def load_on(row: ModelVersion, *, node: str, seconds: float, requested_by: str) -> dict[str, Any]:
    """Load ``row`` on ``node``, or on the one that takes the load over when ``node`` dies meanwhile.

    Returns ``{"model", "version", "node", "seconds"}``. Raises: as ``model_load``.
    """
    model, version = row.model.name, row.version
    begun = time.monotonic()
    job = jobs.job_open(row, node=node, requested_by=requested_by)
    try:
        answer = send_order("load", model=model, version=version, node=node, seconds=seconds)
    except exceptions.NodeUnavailable as exc:
        others = any(found["name"] != node for found in live_nodes(fresh=True))
        ended = jobs.job_await(job=job.pk, seconds=seconds - (time.monotonic() - begun) if others else 0.0)
        if ended.status != JobStatus.READY:
            jobs.job_abandon(job=ended, code=exc.code, detail=exc.detail)
            raise
        return {"model": model, "version": version, "node": ended.node, "seconds": time.monotonic() - begun}
    except AltlasError as exc:
        jobs.job_abandon(job=job, code=exc.code, detail=exc.detail)
        raise
    jobs.job_ended(model=model, version=version, node=node)
    return answer


def _holders_first(nodes: Sequence[dict[str, Any]], model: str, version: str | None) -> list[str]:
    def holds(found: dict[str, Any]) -> bool:
        return any(replica["model"] == model and version in (None, replica["version"]) for replica in found["replicas"])

    def rank(found: dict[str, Any]) -> tuple[bool, bool, int]:
        return bool(found.get("draining")), not holds(found), found["used_bytes"]

    return [found["name"] for found in sorted(nodes, key=rank)]


def send_order(verb: str, *, model: str, version: str | None, node: str, seconds: float) -> dict[str, Any]:
    """Have ``node`` carry out an order (``order_here``) and return its answer.

    Raises:
        NodeUnavailable: no answer in ``seconds``, or the node died; else what rose on the node.
    """
    answer = orders_send(verb, model=model, version=version, nodes=[node], seconds=seconds)[node]
    if isinstance(answer, AltlasError):
        raise answer
    return answer


def orders_send(
    verb: str, *, model: str, version: str | None, nodes: Sequence[str], seconds: float
) -> dict[str, dict[str, Any] | AltlasError]:
    """Have ``nodes`` carry out an order, all of them at once; return what each answered, or why it did not."""
    until, current = time.monotonic() + seconds, here.current()
    local = "" if current is None else current.name
    sent: dict[str, str] = {}
    found: dict[str, dict[str, Any] | AltlasError] = {}
    for node in nodes:
        if node != local:
            try:
                sent[node] = _post(verb, model=model, version=version, node=node, seconds=seconds)
            except AltlasError as exc:
                found[node] = exc
    if local in nodes:
        found[local] = _answer_or_error(lambda: order_here(verb=verb, model=model, version=version, until=until))
    for node, reply_id in sent.items():
        found[node] = _answer_or_error(partial(_collect, node, reply_id, until=until, seconds=seconds))
    return found


def _answer_or_error(work: Callable[[], dict[str, Any]]) -> dict[str, Any] | AltlasError:
    try:
        return work()
    except AltlasError as exc:
        return exc


def _post(verb: str, *, model: str, version: str | None, node: str, seconds: float) -> str:
    order = {"verb": verb, "model": model, "version": version}
    if verb in _AT_ONCE:
        # Late it still goes by the catalogue. ``besides`` can only spare, and whoever has left that version out
        # meanwhile has sent an order of his own behind this one.
        valid = max(seconds, _SETTLE_LATE_SECONDS) if verb == "settle" else seconds
        return lane.order(node, {**order, "request_id": current_request_id()}, seconds=valid)
    reply_id = replies.new_reply_id()
    enqueue(
        "orchestrator.order",
        # The task looks at its deadline itself: Celery's ``expires`` is judged by the clock of the node's machine.
        kwargs={**order, "reply_id": reply_id, "until": shared_time.now() + seconds},
        queue=f"altlas.node.{node}",
        on_commit=False,
    )
    return reply_id


def _collect(node: str, reply_id: str, *, until: float, seconds: float) -> dict[str, Any]:
    """Wait for the answer of ``node``; one that gives no sign of life any more is not waited for."""
    # What others were waited for first must not cost an answer that is there.
    end = max(until + 0.5, time.monotonic() + _LAST_LOOK_SECONDS)
    try:
        reply = lane.hear(reply_id, until=end, signs=lane.Signs(node, node_alive))
    except exceptions.NodeUnavailable:
        raise exceptions.NodeUnavailable(f"The node {node!r} died before it answered.") from None
    if reply is None:
        raise exceptions.NodeUnavailable(f"The node {node!r} did not answer within {seconds:.0f} s.")
    if "error" in reply:
        raise exceptions.from_wire(reply["error"])
    return reply
