"""Commands that write a page of the documents from the code, and tell when the page is out of date."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import translation


class GeneratedPageCommand(BaseCommand):
    """``file`` is written with what ``render`` returns; with ``--check`` it is only compared."""

    requires_system_checks = []
    file: ClassVar[str]

    def render(self) -> str:
        raise NotImplementedError

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail when the page is out of date")

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override("en"):
            page = self.render()
        path = Path(settings.BASE_DIR, self.file)
        if not options["check"]:
            path.write_text(page, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != page:
            command = self.__module__.rsplit(".", 1)[-1]
            raise CommandError(f"{self.file} is out of date; run `manage.py {command}` and commit it.")


def table(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, intro: str = "") -> str:
    """Return a section with one Markdown table."""
    lines = [f"\n## {title}\n", *([intro, ""] if intro else []), _row(head), "|" + "---|" * len(head)]
    return "\n".join([*lines, *map(_row, rows), ""])


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(" ".join(cell.split()) for cell in cells) + " |"
