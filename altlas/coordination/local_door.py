"""A door of this process alone: the same application behind real HTTP, for drills that break it on purpose.

A sabotage must not reach the deployment's own processes. So it patches this process, and the verification talks to
this process.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.db import connections


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Say nothing: thousands of requests are not news."""


class _Server(ThreadedWSGIServer):
    def close_request(self, request: Any) -> None:
        connections.close_all()
        super().close_request(request)


@contextmanager
def opened() -> Iterator[str]:
    """Serve this process's application on a loopback port inside the block; yield its address."""
    server = _Server(("127.0.0.1", 0), _Quiet)
    server.set_app(get_wsgi_application())
    thread = threading.Thread(target=server.serve_forever, name="local-door", daemon=True)
    thread.start()
    # What a drill breaks is refused hundreds of times, as it should be; the run's row tells what came of it.
    logging.disable(logging.ERROR)
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        logging.disable(logging.NOTSET)
        server.shutdown()
        server.server_close()
        thread.join(10)
