"""Rows that an address of a page names: anybody may write anything there."""

from __future__ import annotations

from contextlib import suppress
from typing import TypeVar

from django.contrib.admin.utils import unquote
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404

from altlas.kernel import codepoints

M = TypeVar("M", bound=Model)


def row_or_404(rows: QuerySet[M], key: str) -> M:
    """Return the row of ``rows`` whose primary key is written as ``key``.

    A list's verbs write the key as it is, a row's page as the admin quotes it (``_5F`` for ``_``); one that is a key
    as it stands is taken so.

    Raises: Http404: there is none, or ``key`` is no key at all.
    """
    for wanted in dict.fromkeys((key, unquote(key))):
        if codepoints.fault(wanted) is not None:  # the driver refuses such a text before the database sees it
            continue
        with suppress(ObjectDoesNotExist, ValidationError, ValueError):
            return rows.get(pk=wanted)
    raise Http404
