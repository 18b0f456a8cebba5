"""``manage.py decisions replay``: decide every stored decision once more and compare."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import BigIntegerField

from orchestrator.models import CacheEvent
from orchestrator.supervisor.replay import again, agrees


class Command(BaseCommand):
    help = "Run the policy again on the decision log's inputs; fails when any decision differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=["replay"])
        parser.add_argument("--last", type=int, default=0, help="Only so many of the newest entries; 0 is all.")

    def handle(self, *, last: int, **_: Any) -> None:
        if not 0 <= last <= BigIntegerField.MAX_BIGINT:  # what the database counts to
            raise CommandError(f"--last counts from 0, which is all, to {BigIntegerField.MAX_BIGINT}.")
        found = CacheEvent.objects.order_by("-id").values_list("id", "kind", "inputs", "decision")
        same = happenings = different = 0
        for number, kind, inputs, decision in found[:last] if last else found.iterator(chunk_size=2000):
            verdict = agrees(inputs, decision)
            if verdict is None:
                happenings += 1
            elif verdict:
                same += 1
            else:
                different += 1
                self.stderr.write(f"entry {number} ({kind}): stored {decision}, decided again {again(inputs)}")
        self.stdout.write(f"{same} decisions are the same, {different} differ; {happenings} entries are happenings.")
        if different:
            raise CommandError("Decisions differ from what the policy decides on the same inputs.")
