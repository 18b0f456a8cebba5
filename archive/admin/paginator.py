from __future__ import annotations

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # not generic at run time
    """Counts no further than the pages it offers; what lies deeper is found by a filter or a search."""

    pages = 40

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: self.pages * self.per_page].count())
