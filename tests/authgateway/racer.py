"""One of several processes that post the same refresh token at the same moment.

    python -m tests.authgateway.racer DATABASE THREADS

Reads the token from standard input when everything is warm, prints one JSON line: status, code and refresh token of
every answer.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any


def main(database: str, threads: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "altlas.settings")
    import django

    django.setup()
    from django.db import connection, connections
    from rest_framework.test import APIClient

    from authgateway.keys import ring

    connections.settings["default"]["NAME"] = database
    connection.settings_dict["NAME"] = database
    ring.signer()
    APIClient(SERVER_NAME="localhost").get("/livez")  # loads the middleware, which is not safe to do in parallel
    connection.close()
    print("ready", flush=True)
    token = sys.stdin.readline().strip()
    barrier = threading.Barrier(threads)
    answers: list[Any] = []

    def post() -> None:
        client = APIClient(SERVER_NAME="localhost")
        barrier.wait()
        answer = client.post("/api/v1/auth/token/refresh", {"refresh": token})
        body = answer.json()
        answers.append([answer.status_code, body.get("code"), body.get("refresh")])
        connection.close()

    running = [threading.Thread(target=post) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    print(json.dumps(answers), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
