"""``manage.py verify``: run verifications against the live deployment, with a bar; the exit status is the verdict."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from altlas.coordination import execution
from altlas.coordination.models import Trigger, VerificationRun
from altlas.coordination.services import runs
from altlas.coordination.statuses import RunStatus
from altlas.kernel.errors import AltlasError
from altlas.kernel.verification import Load, registered

_BAR = 24
_REDRAW_SECONDS = 0.2


class Command(BaseCommand):
    help = "Verify the running installation. Exit status: 0 all passed, 1 something is red, 3 something is not decided."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", nargs="?", default="", help="a service or a verification; default everything")
        parser.add_argument("--load", choices=[load.value for load in Load], default=Load.MID.value)
        parser.add_argument("--full", action="store_true", help="every verification at all of its loads")
        parser.add_argument("--url", default="", help=f"address of the deployment; default {execution.default_url()}")
        parser.add_argument("--sabotage", action="append", default=[], metavar="NAME", help="a drill: break what NAME "
                            "verifies, in this process alone; its run must turn red")  # fmt: skip
        parser.add_argument("--list", action="store_true", help="say which verifications there are")
        parser.add_argument("--wait", type=float, default=600.0, help="seconds to wait for another run to end")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            self._list()
            return
        try:
            wanted = runs.chosen(service=options["what"], full=options["full"], load=Load(options["load"]))
        except AltlasError as exc:
            raise CommandError(exc.detail) from exc
        if unknown := set(options["sabotage"]) - {verification.name for verification, _ in wanted}:
            raise CommandError(f"not among what is run: {', '.join(sorted(unknown))}")
        queued = runs.runs_queue(wanted=wanted, trigger=Trigger.COMMAND, by_worker=False, sabotaged=options["sabotage"])
        begun = time.monotonic()
        try:
            ended = [self._one(run, options) for run in queued]
        except KeyboardInterrupt:
            self._cancel(queued)
            self.stderr.write("cancelled")
            sys.exit(130)
        self._verdict(ended, time.monotonic() - begun)

    def _list(self) -> None:
        for verification in registered():
            self.stdout.write(f"{verification.name:<26} {verification.title}")
            self.stdout.write(f"{'':<26} rows {', '.join(verification.rows)}; sabotage: {verification.fault}")

    def _one(self, queued: VerificationRun, options: dict[str, Any]) -> VerificationRun:
        run = self._claimed(queued, options["wait"])
        bar = _Bar(self, f"{run.name} [{run.load}]{' (drill)' if run.sabotaged else ''}")
        ended = execution.run_execute(run=run, url=options["url"], report=bar)
        bar.end(ended)
        return ended

    def _claimed(self, queued: VerificationRun, wait: float) -> VerificationRun:
        until = time.monotonic() + wait
        told = False
        while (run := runs.run_claim(run_id=queued.pk)) is None:
            queued.refresh_from_db()
            if queued.status != RunStatus.QUEUED:
                raise CommandError(f"{queued.name} was {queued.status} by somebody else")
            if time.monotonic() > until:
                raise CommandError("another verification run does not end; cancel it or wait longer (--wait)")
            if not told:
                self.stderr.write("another verification runs; waiting for it to end")
                told = True
            time.sleep(1)
        return run

    def _cancel(self, queued: list[VerificationRun]) -> None:
        for run in queued:
            run.refresh_from_db()
            if run.status == RunStatus.QUEUED:
                runs.run_cancel(run_id=run.pk, actor="command")
            elif run.status == RunStatus.RUNNING:
                runs.run_finish(run=run, status=RunStatus.CANCELLED, reasons=["cancelled"])

    def _verdict(self, ended: list[VerificationRun], seconds: float) -> None:
        statuses = [run.status for run in ended]
        counts = ", ".join(f"{statuses.count(status)} {status}" for status in RunStatus if status in statuses)
        self.stdout.write(f"{counts} in {seconds:.0f} s")
        if any(status in (RunStatus.FAILED, RunStatus.ERROR) for status in statuses):
            sys.exit(1)
        if any(status != RunStatus.PASSED for status in statuses):
            sys.exit(3)


class _Bar:
    """A progress bar on a terminal; one line per run elsewhere."""

    def __init__(self, command: BaseCommand, title: str) -> None:
        self.command = command
        self.title = title
        self.drawn = 0.0
        self.live = command.stdout.isatty()

    def __call__(self, share: float, stage: str) -> None:
        if not self.live or time.monotonic() - self.drawn < _REDRAW_SECONDS:
            return
        self.drawn = time.monotonic()
        filled = round(share * _BAR)
        bar = "#" * filled + "." * (_BAR - filled)
        self.command.stdout.write(f"\r{self.title:<38} [{bar}] {share:>4.0%} {stage[:30]:<30}", ending="")
        self.command.stdout.flush()

    def end(self, run: VerificationRun) -> None:
        took = (run.finished_at - run.started_at).total_seconds() if run.finished_at and run.started_at else 0.0
        if self.live:
            self.command.stdout.write("\r" + " " * 110 + "\r", ending="")
        self.command.stdout.write(f"{self.title:<44} {run.status:<12} {took:>6.1f} s")
        for line in run.reasons:
            self.command.stdout.write(f"    {line}")
        for one in run.thresholds:
            value = run.metrics.get(one["metric"])
            if value is not None:
                limit = f"({one['sign']} {one['limit']:g}{one['unit']})"
                self.command.stdout.write(f"    {one['metric']:<36} {value:>10.4g}{one['unit']}  {limit}")
