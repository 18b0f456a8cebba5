"""LitServe with two copies of the model, for peers.py: ``python -m benchmarks.peer_litserve PORT``."""

from __future__ import annotations

import base64
import sys
from typing import Any

import litserve as ls

from benchmarks.orchestrator import forward, loader

OPTIONS = {"max_batch_size": 16, "batch_timeout": 0.005}


class Embeddings(ls.LitAPI):  # type: ignore[misc]  # litserve has no types here
    def setup(self, device: str) -> None:
        self.model = loader()
        self.model.warm_up()

    def decode_request(self, request: dict[str, str]) -> str:
        return request["input"]

    def batch(self, inputs: list[str]) -> list[str]:
        return list(inputs)

    def predict(self, texts: list[str]) -> Any:
        return forward(self.model, texts)

    def unbatch(self, output: Any) -> list[Any]:
        return list(output)

    def encode_response(self, output: Any) -> dict[str, Any]:
        embedding = base64.b64encode(output.tobytes()).decode()
        return {"object": "list", "data": [{"index": 0, "embedding": embedding}]}


if __name__ == "__main__":
    apis = [Embeddings(**OPTIONS), Embeddings(**OPTIONS, api_path="/twin")]
    ls.LitServer(apis, accelerator="cpu").run(port=int(sys.argv[1]), generate_client_file=False, log_level="error")
