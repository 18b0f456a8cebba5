"""Which WSGI server serves this Django application better: gunicorn (gthread) or granian?

Both run the real application with the same number of processes and threads; the same client asks the same two
routes, the servers take turns round by round. Needs benchmarks/requirements.txt.

    python -m benchmarks.wsgi_servers
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from altlas.engines import conf
from altlas.engines.hold import hold
from benchmarks.machine import describe, table

PROCESSES, THREADS = 2, 8
ROUNDS, SECONDS = 5, 2.0
ROUTES = {"/livez": "no engine", "/readyz": "database and Redis"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(server: str, port: int) -> list[str]:
    if server == "gunicorn":
        line = f"--bind 127.0.0.1:{port} --worker-class gthread --workers {PROCESSES} --threads {THREADS}"
    else:
        line = f"--interface wsgi --port {port} --workers {PROCESSES} --blocking-threads {THREADS} --no-ws"
    program = str(Path(sys.executable).parent / server)
    return [program, "altlas.wsgi:application", *line.split(), "--log-level", "warning"]


@contextmanager
def served(server: str) -> Iterator[tuple[int, psutil.Process, float]]:
    port = free_port()
    begun = time.perf_counter()
    process = subprocess.Popen(command(server, port), env={**os.environ, "ALTLAS_LOG_LEVEL": "ERROR"})
    try:
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), 1) as probe:
                    probe.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    if probe.recv(12).endswith(b"200"):
                        break
            except OSError:
                pass
            time.sleep(0.02)
        yield port, psutil.Process(process.pid), time.perf_counter() - begun
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


async def client(port: int, route: str, until: float, latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET {route} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    while time.perf_counter() < until:
        begun = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        await reader.readexactly(length)
        latencies.append(time.perf_counter() - begun)
    writer.close()


def load(port: int, route: str, clients: int) -> tuple[float, float, float]:
    async def run() -> list[float]:
        latencies: list[float] = []
        until = time.perf_counter() + SECONDS
        await asyncio.gather(*(client(port, route, until, latencies) for _ in range(clients)))
        return latencies

    found = sorted(asyncio.run(run()))
    return len(found) / SECONDS, found[len(found) // 2] * 1000, found[int(len(found) * 0.99)] * 1000


def main() -> None:
    results: dict[tuple[str, str, int], list[tuple[float, float, float]]] = {}
    memory: dict[str, float] = {}
    start: dict[str, float] = {}
    with ExitStack() as stack:
        if conf.EMBEDS_POSTGRES or conf.EMBEDS_REDIS:
            stack.enter_context(hold(conf.HOME))
        servers = {name: stack.enter_context(served(name)) for name in ("gunicorn", "granian")}
        for _ in range(ROUNDS):
            for route in ROUTES:
                for clients in (1, 16):
                    for name, (port, _process, _started) in servers.items():
                        results.setdefault((name, route, clients), []).append(load(port, route, clients))
        for name, (_port, process, started) in servers.items():
            tree = [process, *process.children(recursive=True)]
            memory[name] = sum(item.memory_full_info().pss for item in tree) / 2**20
            start[name] = started
    rows = []
    for (name, route, clients), rounds in results.items():
        rate, p50, p99 = (statistics.median(values) for values in zip(*rounds, strict=True))
        rows.append([name, f"{route} ({ROUTES[route]})", clients, f"{rate:.0f}", f"{p50:.2f}", f"{p99:.2f}"])
    print(
        table(
            ["server", "route", "clients", "requests/s", "p50 ms", "p99 ms"],
            sorted(rows, key=lambda row: (row[1], row[2])),
        )
    )
    print()
    print(
        table(
            ["server", "first answer after s", "PSS MB of all processes"],
            [[n, f"{start[n]:.1f}", f"{memory[n]:.0f}"] for n in memory],
        )
    )
    print(f"\n{PROCESSES} processes of {THREADS} threads each, medians of {ROUNDS} rounds taken in turns; {describe()}")


if __name__ == "__main__":
    main()
