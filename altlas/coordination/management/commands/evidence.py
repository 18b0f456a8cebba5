from __future__ import annotations

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from altlas.coordination.services import evidence_record, junit_record
from altlas.kernel.errors import AltlasError


class Command(BaseCommand):
    help = "Record evidence from outside of verifications: a person's judgement, or the result of a test run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        record = verbs.add_parser("record", help="a person's judgement of one row")
        record.add_argument("row")
        verdict = record.add_mutually_exclusive_group(required=True)
        verdict.add_argument("--passed", action="store_true")
        verdict.add_argument("--failed", action="store_true")
        record.add_argument("--note", required=True, help="what the judgement rests on")
        record.add_argument("--figure", default="")
        record.add_argument("--command", default="", dest="made_by", help="what makes the figure again")
        record.add_argument("--who", default="", help="default: the user of this machine")
        junit = verbs.add_parser("junit", help="a report of `pytest --junitxml=FILE`")
        junit.add_argument("file", type=Path)
        junit.add_argument("--command", default="make test", dest="made_by", help="what makes the report again")
        junit.add_argument("--who", default="", help="default: the user of this machine")

    def handle(self, *args: Any, **options: Any) -> None:
        actor = options["who"] or getpass.getuser()
        try:
            if options["verb"] == "junit":
                self._junit(options["file"], options["made_by"], actor)
                return
            evidence_record(
                row=options["row"],
                passed=options["passed"],
                actor=actor,
                note=options["note"],
                figure=options["figure"],
                command=options["made_by"],
            )
        except AltlasError as exc:
            raise CommandError(exc.detail) from exc
        self.stdout.write(f"recorded for {options['row']}")

    def _junit(self, file: Path, command: str, actor: str) -> None:
        try:
            xml = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise CommandError(f"{file} cannot be read: {exc}") from exc
        for row, figure in junit_record(xml=xml, command=command, actor=actor).items():
            self.stdout.write(f"{row:<6} {figure}")
