"""Inference: the same call in the web process and inside a node, with the same errors."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from altlas.kernel import log_context, replies, tracing
from altlas.kernel.errors import AltlasError
from altlas.kernel.tasks import enqueue
from orchestrator import exceptions, lane, statistics
from orchestrator.conf import conf
from orchestrator.lane import shared_time
from orchestrator.placement import choose
from orchestrator.selectors.cluster import live_nodes, node_alive
from orchestrator.services.inputs import inputs_check
from orchestrator.services.specs import spec_get
from orchestrator.supervisor.lease import Lease
from orchestrator.supervisor.spec import VersionSpec
from orchestrator.supervisor.supervisor import Supervisor
from orchestrator.worker import meter, node

FloatArray = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, kw_only=True, slots=True)
class InferenceResult:
    """``outputs`` is float32 of shape (inputs, dimension) for embeddings, else a list with one value per input.
    ``timings`` in seconds: ``total``, ``node`` (inside the node), ``model`` (forward passes)."""

    model: str
    version: str
    outputs: FloatArray
    node: str
    timings: dict[str, float] = field(default_factory=dict)
    token_counts: tuple[int, ...] = ()
    values: tuple[Any, ...] = ()


def infer(
    *,
    model: str,
    inputs: Sequence[Any],
    version: str | None = None,
    task: str | None = "sentence-embedding",
    deadline: float | None = None,
    params: Mapping[str, Any] | None = None,
    urgent: bool = False,
    counted: bool = False,
) -> InferenceResult:
    """Run ``inputs`` through ``model``; it is loaded first when it is not in memory.

    An input is a text, for cross-encoders a pair of texts, for sentence embedding also a list of token ids. ``task``
    None is whatever the model does. ``urgent`` goes before the requests that wait for the same node; ``counted`` has
    the node add it, also when it fails, to the version's statistics.

    ``deadline`` is the longest wait in seconds from now (default ``ALTLAS_INFER_SECONDS``). Called inside a node
    worker it goes to that node's supervisor, elsewhere to a live node.

    Raises:
        InvalidInputs, InputTooLarge: the inputs or the parameters cannot be used.
        ModelNotFound, TaskMismatch, ModelUnloadable: the model cannot serve this, now or later.
        ModelUnavailable, LoadQueueFull, RunnerCrashed, NodeUnavailable: not now; ``retry_after`` says when.
        InferenceTimeout: no answer within the deadline.
    """
    inputs_check(inputs, params or {})
    seconds = conf.infer_seconds if deadline is None else deadline
    begun = time.monotonic()
    if node.current() is not None:
        wire = infer_here(
            model=model, version=version, task=task, inputs=inputs, params=params or {}, until=begun + seconds
        )
    else:
        wire = _infer_there(
            model=model,
            version=version,
            task=task,
            inputs=inputs,
            params=params or {},
            seconds=seconds,
            urgent=urgent,
            counted=counted,
        )
    return _result(wire, total=time.monotonic() - begun)


@contextmanager
def lease(*, model: str, version: str | None = None, deadline: float | None = None) -> Iterator[Lease]:
    """Hold a model loaded inside the block; node workers only. Errors as by ``infer``."""
    here = node.current()
    if here is None:
        raise exceptions.NodeUnavailable("A lease can be held inside a node worker only.")
    until = time.monotonic() + (conf.infer_seconds if deadline is None else deadline)
    with here.supervisor.lease(spec_get(model=model, version=version, until=until), deadline=until) as held:
        yield held


def infer_here(
    *,
    model: str,
    version: str | None,
    task: str | None,
    inputs: Sequence[Any],
    params: Mapping[str, Any],
    until: float,
    trace: Mapping[str, str] | None = None,
    counted: bool = False,
) -> dict[str, Any]:
    """Ask this node's supervisor; ``until`` by the monotonic clock, ``trace`` the caller's span when that is in another
    process. ``counted`` adds a failure to the version's statistics; a success is counted by who sends it. Returns
    msgpack types."""
    here = node.current()
    if here is None:
        raise exceptions.NodeUnavailable("This process is no node worker.")
    begun = time.monotonic()
    spec: VersionSpec | None = None
    try:
        spec = spec_get(model=model, version=version, task=task, until=until)
        log_context.note(model=spec.key)
        with _leased(here.supervisor, spec, begun=begun, until=until) as held:
            facts = {"altlas.model": str(spec.key), "altlas.node": here.name, "altlas.runner_pid": held.runner.pid}
            with tracing.span("runner.infer", carrier=trace, **facts):
                answer = held.infer(inputs, params=params, timeout=until - time.monotonic())
                tracing.tell(**{"altlas.model_seconds": answer["seconds"]})
    except AltlasError as exc:
        # Under a name of the catalogue, never under one that a client made up.
        named = spec is not None or isinstance(exc, exceptions.ModelUnloadable | exceptions.TaskMismatch)
        meter.failed(model if named else "", exc.code)
        if counted and spec is not None:
            statistics.failed(spec.key.model, spec.key.version, seconds=time.monotonic() - begun)
        raise
    meter.answered(spec.key.model, time.monotonic() - begun)
    return {
        "model": spec.key.model,
        "version": spec.key.version,
        "node": here.name,
        "shape": answer.get("shape"),
        "data": answer.get("data"),
        "values": answer.get("values"),
        "tokens": answer["tokens"],
        "batches": answer["batches"],
        "model_seconds": answer["seconds"],
        "node_seconds": time.monotonic() - begun,
    }


@contextmanager
def _leased(supervisor: Supervisor, spec: VersionSpec, *, begun: float, until: float) -> Iterator[Lease]:
    """A lease, counted as a hit or as a miss; a wait that ends without one is a miss too, and as long as it was."""
    with ExitStack() as stack:
        try:
            held = stack.enter_context(supervisor.lease(spec, deadline=until))
        except exceptions.MemoryPressure:
            raise  # refused whether it is loaded or not
        except AltlasError:
            meter.missed(spec.key.model, time.monotonic() - begun)
            raise
        if held.hit:
            meter.hit(spec.key.model)
        else:
            meter.missed(spec.key.model, time.monotonic() - begun)
        yield held


def _infer_there(
    *,
    model: str,
    version: str | None,
    task: str | None,
    inputs: Sequence[Any],
    params: Mapping[str, Any],
    seconds: float,
    urgent: bool,
    counted: bool,
) -> dict[str, Any]:
    nodes = live_nodes()
    if not nodes:
        raise exceptions.NodeUnavailable("No node is alive; try again shortly.")
    request = {
        "verb": "infer",
        "model": model,
        "version": version,
        "task": task,
        "inputs": list(inputs),
        "params": dict(params),
        "counted": counted,
    }
    if conf.lane != "celery":
        chosen = choose(nodes, model=model, version=version, now=time.time(), rng=_rng) or nodes[0]["name"]
        reply = lane.ask(chosen, request, seconds=seconds, alive=node_alive, urgent=urgent, near=conf.lane == "direct")
    else:
        reply = _by_celery(request, seconds)
    if reply is None:
        raise exceptions.InferenceTimeout(f"No answer within {seconds:g} s.")
    if "error" in reply:
        raise exceptions.from_wire(reply["error"])
    return reply


def _by_celery(request: Mapping[str, Any], seconds: float) -> dict[str, Any] | None:
    reply_id = replies.new_reply_id()
    arguments = {name: value for name, value in request.items() if name != "verb"}
    enqueue(
        "orchestrator.infer",
        # The task looks at its deadline itself: Celery's ``expires`` is judged by the clock of the node's machine.
        kwargs={**arguments, "reply_id": reply_id, "until": shared_time.now() + seconds},
        on_commit=False,
    )
    # A node answers before the deadline or not at all; the slack is for the way back.
    reply = lane.hear(reply_id, until=time.monotonic() + seconds + 0.5)
    if reply is None and not live_nodes(fresh=True):
        raise exceptions.NodeUnavailable("The node went away; try again shortly.")
    return reply


_rng = random.Random()  # noqa: S311  # spreads load, guards nothing


def _result(wire: Mapping[str, Any], *, total: float) -> InferenceResult:
    if wire["data"] is not None:
        outputs = np.frombuffer(wire["data"], dtype="<f4").reshape(wire["shape"])
    else:
        outputs = np.zeros((0, 0), dtype=np.float32)
    return InferenceResult(
        model=wire["model"],
        version=wire["version"],
        outputs=outputs,
        node=wire["node"],
        timings={"total": total, "node": wire["node_seconds"], "model": wire["model_seconds"]},
        token_counts=tuple(wire["tokens"]),
        values=tuple(wire["values"] or ()),
    )
