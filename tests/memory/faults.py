"""Nine leaks, injected into real model processes: imported by the fork server of these tests, never by the product."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Sequence
from typing import Any

import torch

import orchestrator.runner.preload  # noqa: F401  # as in the product
from orchestrator.runner import loaders
from orchestrator.runner.loaders.base import LoadOrder
from orchestrator.runner.loaders.sentence_embedding import SentenceEmbedding
from orchestrator.runner.shapes import SEEN

KEPT_LIST: list[Any] = []
KEPT_DICT: dict[str, Any] = {}
_malloc = ctypes.CDLL(None).malloc
_malloc.restype = ctypes.c_void_p
_malloc.argtypes = [ctypes.c_size_t]


class Faulty(SentenceEmbedding):
    """The product's loader with one fault more, named by the option ``fault``."""

    def load(self, order: LoadOrder) -> dict[str, Any]:
        facts = super().load(order)
        self._order = order
        self._fault = str(order.options.get("fault", ""))
        self._requests = 0
        return facts

    def encode(self, inputs: Sequence[Any], params: dict[str, Any]) -> Any:
        rows = super().encode(inputs, params)
        self._requests += 1
        if self._fault:
            getattr(self, f"_{self._fault}")(inputs, rows)
        return rows

    def _python_list(self, inputs: Any, rows: Any) -> None:
        KEPT_LIST.append(bytes(1024))

    def _kept_tensor(self, inputs: Any, rows: Any) -> None:
        KEPT_LIST.append(torch.zeros(1024))

    def _kept_graph(self, inputs: Any, rows: Any) -> None:
        hidden = self._model(input_ids=torch.tensor([rows[0].payload]))
        KEPT_LIST.append(hidden.last_hidden_state.sum())

    def _unbounded_dict(self, inputs: Any, rows: Any) -> None:
        KEPT_DICT[f"{inputs[0]} {self._requests}"] = self._requests

    def _native_malloc(self, inputs: Any, rows: Any) -> None:
        address = _malloc(4096)
        ctypes.memset(address, 1, 4096)

    def _thread_per_request(self, inputs: Any, rows: Any) -> None:
        threading.stack_size(128 * 1024)  # stacks count towards a runner's memory limit
        threading.Thread(target=threading.Event().wait, daemon=True).start()

    def _shape_diversity(self, inputs: Any, rows: Any) -> None:
        width, count = 1 + self._requests % 250, 1 + self._requests // 250
        with torch.inference_mode():
            self._model(input_ids=torch.zeros((count, width), dtype=torch.int64))
        SEEN.add(count, width)

    def _kept_model(self, inputs: Any, rows: Any) -> None:
        if self._requests % 10 == 0:
            KEPT_LIST.append(self._model)  # "evicted", and still referred to
            super().load(self._order)

    def _descriptor(self, inputs: Any, rows: Any) -> None:
        os.open("/dev/null", os.O_RDONLY)


sys.modules["orchestrator.runner.loaders.faulty"] = sys.modules[__name__]
loaders._MODULES["sentence-embedding"] = ("faulty", "Faulty")
