"""Rows that an address of a page names: anybody may write anything there."""

from __future__ import annotations

from typing import TypeVar

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404

from altlas.kernel import codepoints

M = TypeVar("M", bound=Model)


def row_or_404(rows: QuerySet[M], key: str) -> M:
    """Return the row of ``rows`` whose primary key is written as ``key``.

    Raises: Http404: there is none, or ``key`` is no key at all.
    """
    if codepoints.fault(key) is not None:  # the driver refuses such a text before the database sees it
        raise Http404
    try:
        return rows.get(pk=key)
    except (ObjectDoesNotExist, ValidationError, ValueError):
        raise Http404 from None
