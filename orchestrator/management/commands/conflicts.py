"""``manage.py conflicts``: the naive way of loading models against the cache manager, under the same load."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

_ROOT = Path(__file__).resolve().parents[3]


class Command(BaseCommand):
    help = "Measure double loads, peak memory, failed requests and load times of both ways; takes about a minute."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--report", help="Write the report there too, for example docs/reports/ai-023.md.")

    def handle(self, *, report: str | None, **_: Any) -> None:
        command = [sys.executable, "-m", "benchmarks.conflicts", *(["--report", report] if report else [])]
        if subprocess.run(command, cwd=_ROOT, check=False).returncode:
            raise CommandError("The measurement did not end well; see above.")
