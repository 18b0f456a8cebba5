from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import translation

from altlas.coordination import report


class Command(BaseCommand):
    help = "Write the final report: every requirement row with its evidence, figure, date and command."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["final"])
        parser.add_argument("--output", type=Path, default=Path(settings.BASE_DIR) / "docs" / "reports")
        parser.add_argument("--language", choices=[code for code, _ in settings.LANGUAGES], default="en")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["output"]
        folder.mkdir(parents=True, exist_ok=True)
        found = report.collect()
        with translation.override(options["language"]):
            pages = {"final.html": report.as_html(found), "final.md": report.as_markdown(found)}
        for name, page in pages.items():
            (folder / name).write_text(page, encoding="utf-8")
            self.stdout.write(str(folder / name))
        self.stdout.write(", ".join(f"{fault.fault} {fault.state}" for fault in found.faults))
