"""Query parameters into filters. Unknown ones are refused: a filter with a typing error must not return everything."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from django.http import QueryDict
from django.utils.dateparse import parse_datetime

from altlas.kernel import codepoints
from altlas.kernel.errors import FieldError, PermissionDenied
from archive.conf import PAGE_MAXIMUM
from archive.exceptions import InvalidQuery
from archive.filters import RecordFilters

T = TypeVar("T")
LONGEST_WORDS = 1_000
LONGEST_VALUE = 4_096
EVERYBODY = "*"
_FLAGS = {"true": True, "1": True, "false": False, "0": False}

FILTERS = frozenset(
    {
        "owner",
        "kind",
        "status",
        "language",
        "tag",
        "tag_any",
        "created_from",
        "created_before",
        "success_min",
        "success_max",
        "source_run_id",
        "contains",
        "q",
    }
)
PAGING = frozenset({"limit", "cursor", "ordering", "deleted", "count"})


def allow(query: QueryDict, names: Iterable[str]) -> None:
    """Refuse parameters that are not in ``names`` and values that no column can hold.

    Raises:
        InvalidQuery
    """
    known = set(names)
    for name, values in query.lists():
        if name not in known:
            raise _invalid(name, f"is not a parameter here; known are {', '.join(sorted(known))}")
        for value in values:
            if len(value) > LONGEST_VALUE:
                raise _invalid(name, f"is longer than {LONGEST_VALUE} characters")
            if (fault := codepoints.fault(value)) is not None:
                raise _invalid(name, fault)


def filters(query: QueryDict, *, user_id: UUID, all_owners: bool, words: bool = True) -> RecordFilters:
    """Return the filters that ``query`` asks for, as far as the caller may.

    Raises:
        InvalidQuery, PermissionDenied
    """
    return RecordFilters(
        owner_id=_owner(query.get("owner"), user_id, all_owners),
        kind=_several(query, "kind"),
        status=_several(query, "status"),
        language=_several(query, "language"),
        tags_all=_several(query, "tag"),
        tags_any=_several(query, "tag_any"),
        created_from=_one(query, "created_from", _moment, "a time with zone, such as 2026-11-23T08:00:00Z"),
        created_before=_one(query, "created_before", _moment, "a time with zone, such as 2026-11-23T08:00:00Z"),
        success_min=_one(query, "success_min", _rate, "a number from 0 to 1"),
        success_max=_one(query, "success_max", _rate, "a number from 0 to 1"),
        source_run_id=_one(query, "source_run_id", UUID, "a UUID"),
        contains=_one(query, "contains", _json_object, "a JSON object") or "",
        words=_words(query) if words else "",
        deleted=flag(query, "deleted"),
    )


def limit(query: QueryDict, *, default: int, maximum: int = PAGE_MAXIMUM) -> int:
    found = _one(query, "limit", lambda value: _between(value, 1, maximum), f"a whole number from 1 to {maximum}")
    return default if found is None else found


def flag(query: QueryDict, name: str) -> bool:
    return bool(_one(query, name, _flag, "true or false"))


def required_words(query: QueryDict) -> str:
    found = _words(query)
    if not found:
        raise _invalid("q", "is needed: what to search for")
    return found


def choice(query: QueryDict, name: str, choices: Iterable[str], default: str) -> str:
    found = query.get(name, default)
    if found not in set(choices):
        raise _invalid(name, f"must be one of {', '.join(choices)}")
    return found


def _owner(value: str | None, user_id: UUID, all_owners: bool) -> UUID | None:
    if value is None or value == "me":
        return user_id
    if value != EVERYBODY:
        try:
            owner_id = UUID(value)
        except ValueError:
            raise _invalid("owner", "must be me, * or a UUID") from None
        if owner_id == user_id:
            return user_id
    if not all_owners:
        raise PermissionDenied("Records of other owners need the scope archive:all.")
    return None if value == EVERYBODY else owner_id


def _several(query: QueryDict, name: str) -> tuple[str, ...]:
    # Sorted, so that the same wish in another order is the same walk and the same cache entry.
    return tuple(sorted({value for value in query.getlist(name) if value}))


def _one(query: QueryDict, name: str, convert: Callable[[str], T], wanted: str) -> T | None:
    value = query.get(name)
    if value is None or value == "":
        return None
    try:
        return convert(value)
    except (ValueError, OverflowError, RecursionError):
        raise _invalid(name, f"must be {wanted}") from None


def _words(query: QueryDict) -> str:
    value = query.get("q", "").strip()
    if len(value) > LONGEST_WORDS:
        raise _invalid("q", f"is longer than {LONGEST_WORDS} characters")
    return value


def _between(value: str, minimum: int, maximum: int) -> int:
    if not value.isascii() or not value.isdigit() or not minimum <= int(value[:9]) <= maximum or len(value) > 9:
        raise ValueError
    return int(value)


def _moment(value: str) -> datetime:
    # A plus sign in a query is a space; what was meant is clear.
    found = parse_datetime(value.replace(" ", "+") if value[-6:-5] == " " else value)
    if found is None or found.tzinfo is None:
        raise ValueError
    return found.astimezone(UTC)


def _rate(value: str) -> float:
    found = float(value)
    if not math.isfinite(found) or not 0 <= found <= 1:
        raise ValueError
    return found


def _flag(value: str) -> bool:
    if value.lower() not in _FLAGS:
        raise ValueError
    return _FLAGS[value.lower()]


def _json_object(value: str) -> str:
    found: Any = json.loads(value, parse_constant=_refuse)
    if not isinstance(found, dict) or next(codepoints.faults(found), None) is not None:
        raise ValueError
    return json.dumps(found, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def _invalid(name: str, detail: str) -> InvalidQuery:
    message = f"{name} {detail}."
    return InvalidQuery(message, errors=[FieldError(pointer=f"/{name}", code="invalid", detail=message)])
