"""The runner's two threads: one reads frames and answers pings, the main one loads and computes."""

from __future__ import annotations

import logging
import os
import queue
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from orchestrator.runner import frames
from orchestrator.runner.batching import Company, Item, Pool, Request
from orchestrator.runner.census import Census
from orchestrator.runner.errors import STARVED, RunnerError
from orchestrator.runner.housekeeping import Housekeeping
from orchestrator.runner.loaders import loader_for
from orchestrator.runner.loaders.base import LoadOrder
from orchestrator.runner.memory import (
    MEMORY_STATUS,
    allocator,
    is_exhaustion,
    limit_data,
    mapped_bytes,
    report,
    settle,
    trim,
)
from orchestrator.runner.priority import StarvedError, beside, politely
from orchestrator.runner.rehearsal import rehearse
from orchestrator.runner.shapes import Grid, Shape, in_use
from orchestrator.runner.warming import Warming

logger = logging.getLogger("orchestrator.runner")
_T = TypeVar("_T")
_TOO_MUCH = "The model's process went over its memory limit."


def run(connection: socket.socket, *, name: str) -> int:
    """Serve ``connection`` until it closes or says ``stop``; return the exit status."""
    logging.basicConfig(level="INFO", format=f"%(asctime)s %(levelname)-7s runner {name} %(message)s")
    settle()
    return Runner(connection).serve()


class Runner:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._inbox: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._writing = threading.Lock()
        self._busy_since: float | None = None
        self._arrivals = 0
        self._batches: list[tuple[int, float]] = []  # inputs and seconds of each forward pass since the last answer
        self._housekeeping = Housekeeping()
        self._warming = Warming([], now=0.0)
        self._grid: Grid | None = None
        self._passes: Counter[Shape] = Counter()  # those of requests; at most as many shapes as the grid has
        self._census = Census()
        self._paths: dict[str, str] = {}
        self._hurried = threading.Event()  # somebody waits for the load, which began for nobody

    def serve(self) -> int:
        # A daemon thread: when the main thread returns, the process ends whatever the reader waits for.
        threading.Thread(target=self._read, name="reader", daemon=True).start()
        first = self._next()
        if first["op"] == "rehearse":
            beside(rehearse, patient=False)  # a load may wait for it
            first = self._next()
        if first["op"] != "load":
            return 0
        limit_data(int(first.get("memory_limit", 0)))
        if not self._load(first):
            return 0
        self._pool = Pool(token_bound=int(first["batch_tokens"]), grid=self._grid)
        self._company = Company(most=float(first["batch_delay"]))
        while self._turn():
            pass
        return 0

    # --- reading ----------------------------------------------------------------------------------------------------
    def _read(self) -> None:
        while True:
            try:
                message = frames.receive(self._connection)
            except (OSError, frames.FrameError):
                message = None
            if message is None:
                os._exit(0)  # the owner is gone; whatever is being computed has no reader
            if message["op"] == "ping":
                since = self._busy_since
                busy = 0.0 if since is None else time.monotonic() - since
                self._send(op="pong", id=message["id"], busy_seconds=busy, memory=self._report())
            elif message["op"] == "shapes":
                self._send(op="shapes", id=message["id"], shapes=in_use(dict(self._passes)))
            elif message["op"] == "hurry":
                self._hurried.set()
            else:
                self._inbox.put(message)

    def _report(self) -> dict[str, Any]:
        return {**report(), "shapes_left": len(self._warming)}

    def _next(self) -> dict[str, Any]:
        """Wait for a message; meanwhile do what no request should have to wait for."""
        while self._warming:
            shape, quiet = self._warming.next(time.monotonic())
            with suppress(queue.Empty):
                return self._inbox.get(timeout=quiet) if shape is None else self._inbox.get_nowait()
            if shape is not None:
                self._warm(shape)
        while True:
            try:
                return self._inbox.get(timeout=self._housekeeping.wait())
            except queue.Empty:
                self._housekeeping.idle()

    def _warm(self, shape: Shape) -> None:
        with politely():
            self._run(shape)
        if not self._warming:
            self._housekeeping.loaded()

    def _run_all(self, shapes: Sequence[Shape]) -> None:
        for shape in shapes:
            if not self._hurried.is_set():  # the others run when nobody asks
                self._run(shape)

    def _run(self, shape: Shape) -> None:
        self._busy_since = begun = time.monotonic()
        try:
            self._loader.warm_shape(shape)  # type: ignore[attr-defined]  # a loader with a grid has it
        except Exception:  # the shape will fail a request too, which is told so
            logger.exception("the shape %s could not be warmed up", shape)
        finally:
            self._busy_since, now = None, time.monotonic()
            self._warming.ran(shape, seconds=now - begun, now=now)

    # --- loading ----------------------------------------------------------------------------------------------------
    def _load(self, order: dict[str, Any]) -> bool:
        folder = Path(order["folder"]) if order["folder"] else None
        self._paths = {name: order[name] for name in ("variant", "folder") if order[name]}
        successor = order.get("shapes") is not None

        def gently(work: Callable[[], _T]) -> _T:
            if not successor:
                return work()
            return beside(work, patient=bool(order.get("patient")), hurried=self._hurried)

        self._busy_since = begun = time.monotonic()
        try:
            self._loader = loader = loader_for(order["task"], order["runtime"])
            what = LoadOrder(
                folder=folder,
                options=order["options"],
                threads=order["threads"],
                batch_tokens=order["batch_tokens"],
                runtime=order["runtime"],
                variant=Path(order["variant"]) if order["variant"] else None,
            )
            # A compiled variant keeps the threads that it starts as it loads: they must not be born at low priority.
            facts = gently(lambda: loader.load(what)) if order["runtime"] == "torch" else loader.load(what)
            _compute_with(order["threads"])
            loaded = time.monotonic()
            self._send(op="progress", stage="warming", seconds=loaded - begun)
            gently(loader.warm_up)
            self._grid = getattr(loader, "grid", None)
            if self._grid is not None:
                self._warming = Warming(self._grid.shapes(), now=time.monotonic())
                shapes = self._grid.like(Shape(*shape) for shape in order.get("shapes") or ())
                gently(lambda: self._run_all(shapes))
                self._warming.ready(time.monotonic())
        except RunnerError as exc:
            return self._failed(exc.code, exc.detail, permanent=exc.permanent)
        except StarvedError:
            self._failed(STARVED, "No processor was left for it.")
            os._exit(0)  # its thread still computes
        except Exception as exc:
            if is_exhaustion(exc):
                self._failed("memory_limit", _TOO_MUCH)
                os._exit(MEMORY_STATUS)
            logger.exception("load failed")
            return self._failed("model_unavailable", f"{type(exc).__name__}: {exc}")
        self._housekeeping.loaded()
        self._busy_since = None
        self._send(
            op="loaded",
            facts={**facts, "allocator": allocator()},
            mapped_bytes=mapped_bytes(folder),
            load_seconds=loaded - begun,
            warm_seconds=time.monotonic() - loaded,
        )
        return True

    def _failed(self, code: str, detail: str, *, permanent: bool = False) -> bool:
        self._send(op="failed", code=code, detail=self._told(detail), permanent=permanent)
        return False

    def _told(self, detail: str) -> str:
        """Return what may be told: libraries name files by their whole paths, and at any length."""
        for name, path in self._paths.items():
            detail = detail.replace(path, f"<{name}>")
        return detail[:500]

    # --- serving ----------------------------------------------------------------------------------------------------
    def _turn(self) -> bool:
        """Take in what has arrived, then run one forward pass; false when told to stop."""
        while not self._pool or not self._inbox.empty():
            if not self._accept(self._next()):
                return False
        begun = time.monotonic()
        while (left := begun + self._company.patience(self._pool) - time.monotonic()) > 0:
            with suppress(queue.Empty):
                if not self._accept(self._inbox.get(timeout=left)):
                    return False
        if self._pool:  # whoever waited may have been cancelled meanwhile
            self._forward(self._pool.next_batch())
        return True

    def _accept(self, message: dict[str, Any]) -> bool:
        match message["op"]:
            case "infer":
                self._enter(message)
            case "cancel":
                self._pool.discard(message["id"])
            case "trim":
                trim()
            case "report":
                self._send(op="report", id=message["id"], memory=self._report())
            case "census":
                self._send(
                    op="census",
                    id=message["id"],
                    memory=self._report(),
                    **self._census.take(lines=bool(message.get("lines"))),
                )
            case "stop":
                return False
        return True

    def _enter(self, message: dict[str, Any]) -> None:
        inputs = message["inputs"]
        self._arrivals += 1
        self._warming.asked(time.monotonic())
        request = Request(
            id=message["id"], count=len(inputs), arrival=self._arrivals, params=message.get("params") or {}
        )
        self._busy_since = time.monotonic()
        try:
            rows = self._loader.encode(inputs, request.params)
        except Exception as exc:
            self._refuse([request], exc)
        else:
            request.outputs = [None] * len(rows)
            request.tokens = [row.length for row in rows]
            self._pool.add(request, [Item(request, i, row.length, row.payload) for i, row in enumerate(rows)])
            if not rows:
                self._answer(request)
        finally:
            self._busy_since = None

    def _forward(self, batch: list[Item]) -> None:
        requests = list({item.request.id: item.request for item in batch}.values())
        try:
            outputs, seconds = self._pass(batch)
        except Exception as exc:
            if len(requests) > 1 and not is_exhaustion(exc):
                logger.warning("a pass shared by %d requests failed; now one by one", len(requests))
                for request in requests:  # what one of them brought is no fault of its neighbours
                    self._forward([item for item in batch if item.request is request])
                return
            for request in requests:
                self._pool.discard(request.id)
            self._refuse(requests, exc)
        else:
            self._hand_out(batch, requests, outputs, seconds)

    def _pass(self, batch: list[Item]) -> tuple[list[Any], float]:
        self._busy_since = begun = time.monotonic()
        try:
            outputs = list(self._loader.forward([item.payload for item in batch], batch[0].request.params))
        finally:
            self._busy_since = None
            self._housekeeping.passed()
        if len(outputs) != len(batch):
            raise ValueError(f"{len(outputs)} outputs for {len(batch)} inputs")
        now = time.monotonic()
        self._warming.asked(now)
        if self._grid is not None:
            self._passes[self._grid.shape(len(batch), max(item.length for item in batch))] += 1
        self._batches.append((len(batch), now - begun))
        return outputs, now - begun

    def _hand_out(self, batch: list[Item], requests: list[Request], outputs: list[Any], seconds: float) -> None:
        for item, output in zip(batch, outputs, strict=True):
            item.request.outputs[item.index] = output
            item.request.missing -= 1
        answered = sum(not request.waiting for request in requests)
        self._company.passed(answered + len(self._pool) + self._inbox.qsize(), seconds)
        for request in requests:
            request.seconds += seconds
            if request.missing == 0:
                self._answer(request)

    def _answer(self, request: Request) -> None:
        batches, self._batches = self._batches, []
        try:
            self._send(
                op="result",
                id=request.id,
                tokens=request.tokens,
                seconds=request.seconds,
                batches=batches,
                **_packed(request.outputs),
            )
        except OSError:
            raise  # half a frame may be out: nothing that followed would be understood
        except Exception as exc:  # its outputs fit into no answer; those that shared its pass have theirs
            self._refuse([request], exc)

    def _refuse(self, requests: list[Request], exc: Exception) -> None:
        if is_exhaustion(exc):
            for request in requests:
                self._send(op="error", id=request.id, code="runner_crashed", detail=_TOO_MUCH)
            os._exit(MEMORY_STATUS)
        known = isinstance(exc, RunnerError)
        if not known:
            logger.error("inference failed", exc_info=exc)
        code = exc.code if isinstance(exc, RunnerError) else "inference_failed"
        detail = self._told(exc.detail if isinstance(exc, RunnerError) else f"{type(exc).__name__}: {exc}")
        for request in requests:
            self._send(op="error", id=request.id, code=code, detail=detail)

    def _send(self, **message: Any) -> None:
        with self._writing:
            frames.send(self._connection, message)


def _compute_with(threads: int) -> None:
    """Let this thread's forward passes use ``threads``: OpenMP counts them for every thread that computes."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)


def _packed(outputs: Sequence[Any]) -> dict[str, Any]:
    """Return vectors as one block of little-endian float32, anything else as it is."""
    if outputs and all(isinstance(output, np.ndarray) for output in outputs):
        block = np.ascontiguousarray(np.stack(outputs), dtype="<f4")
        return {"shape": list(block.shape), "data": block.tobytes()}
    return {"values": list(outputs)}
