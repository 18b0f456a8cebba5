from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from altlas.kernel.errors import AltlasError
from archive import audit, counts, intake, retention
from archive.doctor import examine
from archive.export import Export, Format
from archive.filters import RecordFilters
from archive.progress import Progress
from archive.slow import own, tree


class Command(BaseCommand):
    help = "Operate the archive."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        doctor = verbs.add_parser(
            "doctor", help="Examine indexes, memory, locks, pool and views; 1 when something is wrong."
        )
        doctor.add_argument("--json", action="store_true", dest="as_json")
        explain = verbs.add_parser("explain", help="Run the archive's own reads once and keep their plans.")
        explain.add_argument("--user", help="Whose records; by default the largest owner's.")
        explain.add_argument("--words", default="record", help="What the text search looks for.")
        explain.add_argument("--plans", action="store_true", help="Print the plans too.")
        export = verbs.add_parser("export", help="Write records to a file or to the standard output.")
        export.add_argument("--user", help="Whose records; by default everybody's.")
        export.add_argument("--kind", action="append", default=[])
        export.add_argument("--deleted", action="store_true", help="Deleted records instead of living ones.")
        export.add_argument("--format", choices=list(Format), default=Format.NDJSON, dest="form")
        export.add_argument("--out", type=Path)
        read = verbs.add_parser("import", help="Read records from a file; run again, it goes on where it stopped.")
        read.add_argument("file", type=Path)
        read.add_argument("--user", required=True, help="Who owns them from now on.")
        read.add_argument("--format", choices=list(Format), dest="form", help="By default from the file's name.")
        read.add_argument("--all-or-nothing", action="store_true")
        retain = verbs.add_parser("retain", help="Show what the retention rules would delete.")
        retain.add_argument("--apply", action="store_true", dest="apply_rules", help="Delete it, for enabled rules.")

    def handle(self, *args: Any, **options: Any) -> None:
        verb = {"import": self.read}.get(options["verb"]) or getattr(self, options["verb"])
        try:
            verb(**options)
        except AltlasError as exc:
            raise CommandError(exc.detail) from exc

    def doctor(self, *, as_json: bool, **_: Any) -> None:
        report = examine()
        if as_json:
            self.stdout.write(json.dumps(asdict(report), default=str, indent=2))
        else:
            for finding in report.findings:
                self.stdout.write(f"{finding.level:8} {finding.area:13} {finding.subject}: {finding.detail}")
                if finding.advice:
                    self.stdout.write(f"{'':23}{finding.advice}")
        if not report.healthy:
            raise SystemExit(1)

    def explain(self, *, user: str | None, words: str, plans: bool, **_: Any) -> None:
        owner_id = _user(user) if user else own.largest_owner()
        if owner_id is None:
            raise CommandError("There is no record yet, or the statistics were never refreshed; name a --user.")
        for taken in own.take(owner_id, words=words):
            self.stdout.write(
                f"{taken.name:40} {taken.milliseconds:9.2f} ms {taken.buffers:7} buffers {taken.rows:5} rows"
            )
            if plans:
                self.stdout.write(tree.text(taken.plan))

    def export(
        self, *, user: str | None, kind: list[str], deleted: bool, form: str, out: Path | None, **_: Any
    ) -> None:
        filters = RecordFilters(owner_id=_user(user) if user else None, kind=tuple(sorted(kind)), deleted=deleted)
        total = counts.of_records(filters, counts.Mode.PLANNED).value
        progress = Progress(sys.stderr, total=total, noun="records")
        target = sys.stdout.buffer if out is None else out.open("wb")
        try:
            for block in Export(filters, Format(form)):
                target.write(block)
                progress.add(block.count(b"\n"))
        finally:
            target.flush()
            if out is not None:
                target.close()
        progress.finish()
        if filters.owner_id is not None:
            audit.note("export", actor_id=None, owner_id=filters.owner_id, format=form)

    def read(self, *, file: Path, user: str, form: str | None, all_or_nothing: bool, **_: Any) -> None:
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        chosen = Format(form) if form else Format.CSV if file.suffix.lower() == ".csv" else Format.NDJSON
        with file.open("rb") as lines:
            total = sum(block.count(b"\n") for block in iter(lambda: lines.read(2**20), b""))
        progress = Progress(sys.stderr, total=total, noun="rows")

        def refused(number: int, result: Any) -> None:
            for error in result.errors:
                self.stderr.write(f"row {number}: {error.pointer} {error.detail}")

        outcomes = intake.records_from_file(
            file, owner_id=_user(user), form=chosen, atomic=all_or_nothing, refused=refused, progress=progress.add
        )
        progress.finish()
        self.stdout.write(json.dumps(asdict(outcomes)))

    def retain(self, *, apply_rules: bool, **_: Any) -> None:
        for verdict in retention.apply() if apply_rules else retention.dry_run():
            did = "deleted" if apply_rules else "would delete" if verdict.enabled else "would delete, were it enabled,"
            self.stdout.write(
                f"{verdict.kind}: older than {verdict.days} days: {did} {verdict.records:,}, "
                f"{verdict.held:,} are on hold"
            )


def _user(name: str) -> UUID:
    users = get_user_model()
    try:
        found: UUID = users.objects.get_by_natural_key(name).pk
    except users.DoesNotExist:
        raise CommandError(f"There is no user {name}.") from None
    return found
