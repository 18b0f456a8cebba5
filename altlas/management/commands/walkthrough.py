"""``manage.py walkthrough``: the main job as a client would do it, told step by step."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from altlas.walkthrough.account import opened
from altlas.walkthrough.client import ApiClient, UnexpectedAnswer
from altlas.walkthrough.samples import SAMPLES, own_document
from altlas.walkthrough.story import Narrator, play


class Command(BaseCommand):
    help = "Log in, segment a document, find it in the archive, log out; over HTTP, against the running server."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default=f"http://{settings.HOST}:{settings.PORT}", help="base address")
        parser.add_argument("--language", choices=sorted(SAMPLES), action="append", help="which sample; default both")
        parser.add_argument("--file", type=Path, help="a text of your own instead of the samples")

    def handle(self, *args: Any, **options: Any) -> None:
        samples = [SAMPLES[name] for name in options["language"] or SAMPLES]
        if options["file"]:
            samples = [own_document(options["file"])]
        try:
            with opened() as (username, password), ApiClient(options["url"]) as client:
                for sample in samples:
                    play(client, sample, username=username, password=password, say=Narrator(self.stdout.write))
        except (UnexpectedAnswer, OSError) as exc:
            self.stderr.write(f"the walkthrough failed: {exc}")
            sys.exit(1)
        self.stdout.write("The main job works from login to logout.")
