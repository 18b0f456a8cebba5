from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from altlas.coordination.services import daily_run


class Command(BaseCommand):
    help = "Do the daily run now: write today's summary, mail it to whoever is subscribed, print it."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(daily_run().text)
