"""``manage.py alt``: ALT documents out of runs and files, and into the archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.core.management.base import BaseCommand, CommandError, CommandParser

from altlas.kernel.errors import AltlasError
from segmentation import document_services, documents, local, options


class Command(BaseCommand):
    help = "Write the ALT document of a run or of a command, check one, or take one into the archive."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        export = verbs.add_parser("export", help="of a run, or of a command given as text")
        export.add_argument("--run", type=UUID)
        export.add_argument("--position", type=int, default=0, help="which text of a batch")
        export.add_argument("--command", dest="text", default="")
        export.add_argument("--language", default="")
        export.add_argument("--format", choices=("yaml", "json"), default="yaml")
        for verb, about in (("check", "say whether a file holds together"), ("import", "keep it in an archive")):
            taken = verbs.add_parser(verb, help=about)
            taken.add_argument("file", type=Path)
            if verb == "import":
                taken.add_argument("--owner", required=True, help="whose archive")

    def handle(self, *args: Any, **given: Any) -> None:
        try:
            getattr(self, f"_{given['verb']}")(given)
        except AltlasError as exc:
            faults = "".join(f"\n  {fault.pointer or '/'}: {fault.detail}" for fault in exc.errors)
            raise CommandError(f"{exc.detail}{faults}") from exc
        except (OSError, UnicodeDecodeError) as exc:
            raise CommandError(str(exc)) from exc

    def _export(self, given: dict[str, Any]) -> None:
        if bool(given["run"]) == bool(given["text"]):
            raise CommandError("Give either --run or --command.")
        if given["run"]:
            found = document_services.run_document(run_id=given["run"], owner_id=None, position=given["position"])
        else:
            chosen, _ = options.complete("command", {})
            body = local.segment(
                text=given["text"], strategy="command", language=given["language"], model="", options=chosen, owner=""
            )
            found = documents.document_of(id=str(uuid4()), command=given["text"], language=body["language"], extra=body)
        self.stdout.write(documents.dump(found, form=given["format"]), ending="")

    def _check(self, given: dict[str, Any]) -> None:
        found = documents.checked(documents.load(given["file"].read_text(encoding="utf-8")))
        self.stdout.write(f"{len(found['segments'])} segments, in order: {', '.join(documents.order_of(found))}")

    def _import(self, given: dict[str, Any]) -> None:
        value = documents.load(given["file"].read_text(encoding="utf-8"))
        found = document_services.document_import(owner_id=local.owner_id(given["owner"]), value=value, keep=True)
        self.stdout.write(f"record {found.record_id}")
