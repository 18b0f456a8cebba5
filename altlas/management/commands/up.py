"""``manage.py up``: everything of one machine under one supervisor."""

from __future__ import annotations

import errno
import http.client
import io
import shutil
import socket
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from altlas.engines import conf as engines
from altlas.engines.hold import revive
from altlas.engines.process import EngineFailed
from altlas.supervisor.output import LineOutput
from altlas.supervisor.program import Program
from altlas.supervisor.programs import NAMES, metrics_folder, program
from altlas.supervisor.supervisor import Supervisor

_ENGINES_EVERY = 1.0
_PORT_SECONDS = 5.0


class Command(BaseCommand):
    help = "Migrates, then runs web, node worker and beat until Ctrl-C."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--programs", default=",".join(NAMES), help="which ones, comma-separated")
        parser.add_argument("--walkthrough", action="store_true", help="play the main job once everything is ready")
        parser.add_argument("--exit", action="store_true", help="stop after the walkthrough, with its status")
        parser.add_argument("--skip-preparation", action="store_true", help="do not migrate or register")
        parser.add_argument("--ready-within", type=float, default=120.0, help="seconds until readiness is a failure")

    def handle(self, *args: Any, **options: Any) -> None:
        names = [name.strip() for name in options["programs"].split(",") if name.strip()]
        if unknown := set(names) - set(NAMES):
            raise CommandError(f"unknown programs: {', '.join(sorted(unknown))}; choose from {', '.join(NAMES)}")
        if "web" in names:
            _await_port(settings.HOST, settings.PORT)
        operator = "" if options["skip_preparation"] else self._prepare()
        connections.close_all()
        output = LineOutput(width=max(len(name) for name in (*NAMES, "walkthrough")), stream=self.stdout._out)
        shutil.rmtree(metrics_folder(), ignore_errors=True)
        metrics_folder().mkdir(parents=True)
        if operator:
            # Said at once and in every mode: a made-up password is shown this one time.
            output.line("up", operator)
        watch = _Watch(
            walkthrough=options["walkthrough"],
            exit_after=options["exit"],
            ready_within=options["ready_within"],
        )
        supervisor = Supervisor([program(name) for name in names], output=output, on_tick=watch)
        supervisor.run()
        if options["exit"]:
            status = supervisor.finished.get("walkthrough", 1)
            if status != 0:
                sys.exit(status if status > 0 else 1)

    def _prepare(self) -> str:
        call_command("check", stdout=io.StringIO())
        call_command("migrate", verbosity=0)
        said = io.StringIO()
        call_command("operator_ensure", stdout=said)
        return said.getvalue().strip()


def _await_port(host: str, port: int) -> None:
    """Wait a moment for the port, which processes that are ending may still hold.

    The web server itself would share it with whoever has it, and each would get some of the other's requests.

    Raises: CommandError: another program listens there, or the address is none of this machine.
    """
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    until = time.monotonic() + _PORT_SECONDS
    while True:
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as exc:
                if exc.errno != errno.EADDRINUSE or time.monotonic() > until:
                    raise CommandError(f"{host}:{port}: {exc.strerror}; set ALTLAS_PORT or ALTLAS_HOST.") from exc
            else:
                return
        time.sleep(0.2)


class _Watch:
    """Waits for readiness, then says where to look and starts the walkthrough."""

    def __init__(self, *, walkthrough: bool, exit_after: bool, ready_within: float) -> None:
        self.walkthrough = walkthrough
        self.exit_after = exit_after
        self.ready_within = ready_within
        self.ready = False
        self.walked = False
        self.begun: float | None = None
        self.engines_seen = 0.0

    def __call__(self, supervisor: Supervisor) -> None:
        now = supervisor.clock()
        self.begun = self.begun or now
        if now - self.engines_seen >= _ENGINES_EVERY:
            self._watch_engines(supervisor)
            self.engines_seen = supervisor.clock()
        if not self.ready:
            self._await_ready(supervisor, waited=now - self.begun)
        elif not self.walked and "walkthrough" in supervisor.finished:
            self.walked = True
            self._where(supervisor)
            if self.exit_after:
                supervisor.stop()

    def _watch_engines(self, supervisor: Supervisor) -> None:
        try:
            revived = revive(
                engines.HOME,
                postgres=engines.EMBEDS_POSTGRES,
                redis=engines.EMBEDS_REDIS,
                settings=engines.POSTGRES_SETTINGS,
            )
        except EngineFailed as exc:
            supervisor.output.line("up", str(exc))
        else:
            for name in revived:
                supervisor.output.line("up", f"{name} had died and was started again")

    def _await_ready(self, supervisor: Supervisor, *, waited: float) -> None:
        problem = _not_ready()
        if problem is not None:
            if waited > self.ready_within:
                supervisor.output.line("up", f"not ready after {waited:.0f} s: {problem}")
                if self.exit_after:
                    supervisor.stop()
                self.begun = supervisor.clock()
            return
        self.ready = True
        supervisor.output.line("up", f"ready after {waited:.1f} s")
        if self.walkthrough:
            manage = str(Path(settings.BASE_DIR) / "manage.py")
            supervisor.start(Program(name="walkthrough", command=[sys.executable, manage, "walkthrough"], once=True))
        else:
            self._where(supervisor)

    def _where(self, supervisor: Supervisor) -> None:
        base = f"http://{settings.HOST}:{settings.PORT}"
        last = "both are up with make run" if self.exit_after else "stop with Ctrl-C"
        for line in (f"admin     {base}/admin/", f"API       {base}/api/docs/", last):
            supervisor.output.line("up", line)


def _not_ready() -> str | None:
    """Return what /readyz complains about, or None when all is well."""
    connection = http.client.HTTPConnection(_reachable(settings.HOST), settings.PORT, timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"Host": settings.ALLOWED_HOSTS[0], "X-Forwarded-Proto": "https"})
        response = connection.getresponse()
        body = response.read().decode(errors="replace")
    except OSError as exc:
        return str(exc)
    finally:
        connection.close()
    return None if response.status == http.HTTPStatus.OK else body


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # the wildcard is compared, not bound
