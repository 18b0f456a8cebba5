"""What users do, for Locust. Started by ``benchmarks.load.run``; every answer is written down as one line of JSON.

Environment: LOAD_TOKENS (bearer tokens, one a line), LOAD_RATE (requests a second of one user; 0 is as fast as
possible), LOAD_ANSWERS (file to write).
"""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path
from typing import Any

from locust import FastHttpUser, constant_throughput, events, task

TOKENS = Path(os.environ["LOAD_TOKENS"]).read_text().split()
RATE = float(os.environ.get("LOAD_RATE", "0"))
RECORDS = "/api/v1/archive/records"
_answers = Path(os.environ["LOAD_ANSWERS"]).open("w", buffering=1)  # noqa: SIM115  # lives as long as the process


@events.request.add_listener
def note(name: str, response_time: float, response: Any, exception: Any, start_time: float, **_: Any) -> None:
    status = getattr(response, "status_code", 0) or 0
    line = {"at": start_time, "name": name, "ms": response_time, "status": status}
    if status >= 500:
        line["told"] = response.text[:4000]
    if not status:
        line["error"] = repr(exception)
    _answers.write(json.dumps(line) + "\n")


class Reader(FastHttpUser):
    """Mostly lists, some details, searches and statistics, and a write now and then."""

    wait_time = constant_throughput(RATE) if RATE else lambda self: 0
    connection_timeout = 30.0
    network_timeout = 30.0

    def on_start(self) -> None:
        self.dice = random.Random(time.time_ns())
        self.headers = {"Authorization": f"Bearer {self.dice.choice(TOKENS)}"}
        self.following: str | None = None
        self.seen: list[str] = []

    def ask(self, path: str, name: str) -> Any:
        with self.client.get(path, headers=self.headers, name=name, catch_response=True) as answer:
            answer.success()  # what counts as a failure is decided afterwards, from the file
            return answer.json() if answer.status_code == 200 else None

    @task(35)
    def first_page(self) -> None:
        # Of many different lists, or the cache would answer everything.
        page = self.ask(f"{RECORDS}?limit={self.dice.randrange(20, 60)}", "list")
        if page:
            self.following = page["next"]
            self.seen = [row["id"] for row in page["results"]] or self.seen

    @task(25)
    def next_page(self) -> None:
        if self.following:
            page = self.ask(self.following[self.following.index("/api/") :], "list")
            self.following = page["next"] if page else None

    @task(10)
    def narrowed(self) -> None:
        self.ask(f"{RECORDS}?status=active&limit={self.dice.randrange(20, 60)}", "list")

    @task(10)
    def detail(self) -> None:
        if self.seen:
            self.ask(f"{RECORDS}/{self.dice.choice(self.seen)}", "detail")

    @task(5)
    def counted(self) -> None:
        self.ask(f"{RECORDS}?count=capped&limit={self.dice.randrange(20, 60)}", "list")

    @task(3)
    def statistics(self) -> None:
        self.ask("/api/v1/archive/stats", "stats")

    @task(4)
    def search(self) -> None:
        word = self.dice.choice(["zincir", "kurul", "harbour", "the", "committee", "yapı", "su"])
        self.ask(f"/api/v1/archive/search?q={word}&limit={self.dice.randrange(5, 30)}", "search")

    @task(3)
    def write(self) -> None:
        body = {
            "kind": "note",
            "title": f"load {self.dice.random()}",
            "text": "Kurul kararı bıraktı.",
            "language": "tr",
        }
        with self.client.post(RECORDS, json=body, headers=self.headers, name="create", catch_response=True) as answer:
            answer.success()
