"""``manage.py memory``: profiles under load, long runs with a verdict, and the report of SEG-042."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from altlas.engines.conf import HOME
from altlas.memory import model, records
from altlas.memory.installation import measured
from altlas.memory.load import LEVELS
from altlas.memory.profile import profile
from altlas.memory.report import REPORT, RUNS, summary_of_profile, summary_of_soak
from altlas.memory.report import write as write_report
from altlas.memory.soak import DAY_RATE, Soak, soak
from altlas.walkthrough.account import opened
from altlas.walkthrough.client import UnexpectedAnswer


class Command(BaseCommand):
    help = "Measure memory: `profile` a load level, `soak` with many requests, `report` what runs have shown."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        one = verbs.add_parser("profile", help="the process tree under one load level, and what grows in it")
        one.add_argument("--load", choices=[*LEVELS, "all"], default="all")
        one.add_argument("--requests", type=int, default=300, help="requests of each level (default 300)")
        one.add_argument("--no-lines", action="store_true", help="without tracemalloc, which slows everything down")
        two = verbs.add_parser("soak", help="many requests, then LEAK, CLEAN or INCONCLUSIVE for every process")
        length = two.add_mutually_exclusive_group(required=True)
        length.add_argument("--requests", type=int)
        length.add_argument("--hours", type=float, help=f"as many requests as at {DAY_RATE:g} per second, compressed")
        two.add_argument("--clients", type=int, default=4, help="clients at a time (default 4)")
        two.add_argument(
            "--budget", type=float, default=0.03, help="growth in kB per request that is none (default 0.03)"
        )
        for each in (one, two):
            each.add_argument("--model", default="", help="name in the catalogue, or `tiny`")
            each.add_argument("--out", type=Path, help="folder for the record and plots; default in ALTLAS_HOME")
            each.add_argument("--name", default="", help="name of the run's files")
        three = verbs.add_parser("report", help="make docs/reports/seg-042.md from the records of runs")
        three.add_argument("--runs", type=Path, default=Path(settings.BASE_DIR) / RUNS)
        three.add_argument("--to", type=Path, default=Path(settings.BASE_DIR) / REPORT)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            {"profile": self._profile, "soak": self._soak, "report": self._report}[options["verb"]](options)
        except (UnexpectedAnswer, OSError) as exc:
            raise CommandError(f"The run broke off: {exc}") from exc

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _profile(self, options: dict[str, Any]) -> None:
        from altlas.memory import plots  # drawing is slow to import, and nothing else needs it

        folder = _folder(options)
        made = []
        with (
            measured(say=self._say, log=HOME.path / "reports" / "installation.log") as place,
            opened("memory") as account,
        ):
            name = model.named(options["model"])
            for level in LEVELS if options["load"] == "all" else [options["load"]]:
                record = {
                    "name": "product",
                    **profile(
                        place, level=level, requests=options["requests"], model=name, account=account, say=self._say,
                        lines=not options["no_lines"],
                    ),
                }  # fmt: skip
                records.write(folder / f"{options['name'] or 'profile'}-{level}.json", record)
                made.append(record)
                self._say("\n".join(summary_of_profile(record)))
        for file in plots.levels_plot(folder / (options["name"] or "profile"), made):
            self._say(f"plot {file}")

    def _soak(self, options: dict[str, Any]) -> None:
        from altlas.memory import plots  # as above

        requests = options["requests"]
        if requests is None:
            requests = round(options["hours"] * 3600 * DAY_RATE)
        if requests < 1 or options["clients"] < 1:
            raise CommandError("A run has at least one request and one client.")
        folder = _folder(options)
        stem = options["name"] or "soak"
        keep = partial(records.write, folder / f"{stem}.json")
        with (
            measured(say=self._say, log=HOME.path / "reports" / "installation.log") as place,
            opened("memory") as account,
        ):
            run = Soak(
                requests=requests,
                model=model.named(options["model"]),
                clients=options["clients"],
                budget_bytes=options["budget"] * 1024,
            )
            record = soak(place, run, account=account, say=self._say, keep=keep)
        self._say("\n".join(summary_of_soak(record)))
        for file in plots.soak_plot(folder / stem, record):
            self._say(f"plot {file}")
        if record["answer"] == "LEAK":
            sys.exit(1)

    def _report(self, options: dict[str, Any]) -> None:
        if not options["runs"].is_dir():
            raise CommandError(f"{options['runs']} has no records; make some with `memory profile` and `memory soak`.")
        for file in write_report(records.read_all(options["runs"]), options["to"]):
            self._say(f"wrote {file}")


def _folder(options: dict[str, Any]) -> Path:
    return Path(options["out"] or HOME.path / "reports" / "memory").absolute()
