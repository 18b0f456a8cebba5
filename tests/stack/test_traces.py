"""One trace through all processes, received by a real OTLP endpoint."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support import stack as stacks
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.slow]


class Collector(ThreadingHTTPServer):
    spans: list[Any]


@pytest.fixture
def collector() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            batch = ExportTraceServiceRequest.FromString(body)
            for resource in batch.resource_spans:
                for scope in resource.scope_spans:
                    server.spans.extend(scope.spans)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = Collector(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.spans = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_request_is_one_trace_from_web_through_task_and_lane_to_the_runner(collector: Collector, home: Path) -> None:
    endpoint = f"http://127.0.0.1:{collector.server_port}"
    traces = {"task": "0af7651916cd43dd8448eb211c80319c", "lane": "0af7651916cd43dd8448eb211c80319d"}
    with stacks.running(home, ALTLAS_OTLP_ENDPOINT=endpoint) as running, running.logged_in() as client:
        for name, path, body in (
            ("task", "/api/v1/segmentations", {"texts": ["One thing. Another thing."], "strategy": "topic"}),
            ("lane", "/v1/embeddings", {"model": "all-minilm-l6-v2", "input": "x"}),
        ):
            headers = {"traceparent": f"00-{traces[name]}-b7ad6b7169203331-01", "Prefer": "wait=60"}
            answer = client.post(path, json=body, headers=headers)
            assert answer.status_code in (200, 201), answer.text

        def names(trace: str) -> set[str]:
            return {span.name for span in list(collector.spans) if span.trace_id.hex() == trace}

        wanted = {"POST /api/v1/segmentations", "segmentation.execute", "runner.infer"}
        eventually(lambda: wanted <= names(traces["task"]), within=30)
        eventually(lambda: {"POST /v1/embeddings", "runner.infer"} <= names(traces["lane"]), within=30)
    spans = {span.span_id: span for span in collector.spans}
    runner = next(s for s in spans.values() if s.name == "runner.infer" and s.trace_id.hex() == traces["task"])
    assert spans[runner.parent_span_id].name == "segmentation.execute"
    assert spans[spans[runner.parent_span_id].parent_span_id].name == "POST /api/v1/segmentations"
    attributes = {attribute.key for attribute in runner.attributes}
    assert {"altlas.model", "altlas.node", "altlas.runner_pid", "altlas.model_seconds"} <= attributes
