from __future__ import annotations

from django.db import models


class ViewRefresh(models.Model):
    """The last refresh of a materialized view: what it shows is of ``as_of``."""

    view = models.CharField(max_length=63, primary_key=True)
    as_of = models.DateTimeField()
    seconds = models.FloatField()
    # The table's count of written rows then; unchanged, there is nothing to refresh.
    written = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.view} as of {self.as_of:%Y-%m-%d %H:%M:%S}"
