"""A model without weights: settable size, load time, latency and faults, for tests and drills."""

from __future__ import annotations

import mmap
import os
import signal
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from orchestrator.runner.errors import RunnerError
from orchestrator.runner.loaders.base import Encoded, LoadOrder
from orchestrator.runner.loaders.token_ids import is_ids


class Echo:
    """Answers each text with a vector made of its bytes.

    Options: ``size_bytes`` (memory held), ``fill_seconds`` (time it takes to fill it), ``load_seconds``,
    ``latency_seconds`` per forward pass, ``dimension``,
    ``fail_load`` (``transient``, ``permanent``, ``crash``, ``hang``), ``fail_file`` (the load fails while this file
    exists). Texts ``!crash``, ``!exit``, ``!hang``, ``!error``, ``!sleep <seconds>`` and ``!grow <bytes>`` (takes
    memory and keeps it) do what they say.
    """

    def __init__(self) -> None:
        self._memory: mmap.mmap | None = None
        self._latency = 0.0
        self._dimension = 8
        self._grown: list[bytearray] = []

    def load(self, order: LoadOrder) -> dict[str, Any]:
        options = order.options
        self._latency = float(options.get("latency_seconds", 0.0))
        self._dimension = int(options.get("dimension", 8))
        time.sleep(float(options.get("load_seconds", 0.0)))
        self._fail(str(options.get("fail_load", "")))
        if os.path.exists(str(options.get("fail_file", ""))):  # noqa: PTH110  # an empty name is no path
            self._fail("transient")
        size = int(options.get("size_bytes", 0))
        if size:
            self._memory = mmap.mmap(-1, size)
            pause = float(options.get("fill_seconds", 0.0)) / 20
            for start in range(0, size, step := max(mmap.PAGESIZE, size // 20)):
                time.sleep(pause)
                for page in range(start, min(start + step, size), mmap.PAGESIZE):
                    self._memory[page] = 1
        return {"dimension": self._dimension, "max_tokens": 1 << 20}

    def warm_up(self) -> None:
        self.forward(["warm-up"], {})

    def encode(self, inputs: Sequence[Any], params: dict[str, Any]) -> list[Encoded]:
        if not all(isinstance(text, str) or is_ids(text) for text in inputs):
            raise RunnerError("invalid_inputs", "Inputs are texts or lists of token ids.")
        texts = [text if isinstance(text, str) else _text_of(text) for text in inputs]
        return [Encoded(length=max(1, len(text)), payload=text) for text in texts]

    def forward(self, rows: Sequence[Any], params: dict[str, Any]) -> Sequence[Any]:
        if self._latency:
            time.sleep(self._latency)
        for text in rows:
            self._act(text)
        return [self._vector(text) for text in rows]

    def _vector(self, text: str) -> Any:
        data = np.frombuffer(text.encode()[: self._dimension], dtype=np.uint8).astype(np.float32)
        return np.pad(data, (0, self._dimension - len(data)))

    @staticmethod
    def _fail(kind: str) -> None:
        if kind == "transient":
            raise RunnerError("model_unavailable", "The echo model was told to fail.")
        if kind == "permanent":
            raise RunnerError("model_unloadable", "The echo model was told to fail for good.", permanent=True)
        if kind == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "hang":
            time.sleep(3600)

    def _act(self, text: str) -> None:
        word, _, argument = text.partition(" ")
        if word == "!crash":
            os.kill(os.getpid(), signal.SIGKILL)
        elif word == "!exit":
            os._exit(3)
        elif word == "!hang":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif word == "!sleep":
            time.sleep(float(argument or 1))
        elif word == "!grow":
            self._grown.append(bytearray(int(argument)))
        elif word == "!error":
            raise RuntimeError("the echo model was told to raise")


def _text_of(ids: Sequence[int]) -> str:
    """Raises: RunnerError: ``invalid_inputs``: an id is no character."""
    try:
        text = "".join(map(chr, ids))
        text.encode()
    except (ValueError, OverflowError):
        raise RunnerError("invalid_inputs", "Token ids of an echo model are Unicode characters.") from None
    return text
