"""Query parameters as the OpenAPI document shows them."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from archive import orderings
from archive.conf import PAGE_MAXIMUM


def _parameter(
    name: str, description: str, *, kind: OpenApiTypes = OpenApiTypes.STR, many: bool = False, **options: object
) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=description, many=many, **options)  # type: ignore[arg-type]  # enum and required only


FILTERS = [
    _parameter("owner", "`me` (default); a user's id or `*` with the scope archive:all."),
    _parameter("kind", "Any of these kinds.", many=True),
    _parameter("status", "Any of these statuses.", many=True),
    _parameter("language", "Any of these languages.", many=True),
    _parameter("tag", "All of these tags.", many=True),
    _parameter("tag_any", "Any of these tags.", many=True),
    _parameter("created_from", "Created at this time or later.", kind=OpenApiTypes.DATETIME),
    _parameter("created_before", "Created before this time.", kind=OpenApiTypes.DATETIME),
    _parameter("success_min", "Success rate at least this.", kind=OpenApiTypes.NUMBER),
    _parameter("success_max", "Success rate at most this.", kind=OpenApiTypes.NUMBER),
    _parameter("source_run_id", "Made by this run.", kind=OpenApiTypes.UUID),
    _parameter("contains", "A JSON object that the payload contains."),
]
PAGING = [
    _parameter("limit", f"Records of a page, 1 to {PAGE_MAXIMUM}.", kind=OpenApiTypes.INT),
    _parameter("cursor", "From `next` or `previous` of a page of the same list."),
    _parameter(
        "ordering",
        "Order of the list. `-id` and `id` with `owner=*`; `-deleted_at` and `deleted_at` with `deleted=true`.",
        enum=sorted({**orderings.OF_OWNER, **orderings.OF_ALL, **orderings.OF_TRASH}),
    ),
    _parameter("deleted", "Deleted records instead of living ones.", kind=OpenApiTypes.BOOL),
]
COUNT = _parameter(
    "count",
    "Add `count: {value, relation}`: `exact` under a deadline (then an estimate), `capped` at 10,000, `planned`.",
    enum=["exact", "capped", "planned"],
)
WORDS = _parameter("q", 'Words, `"phrases"`, `or`, `-without`; Turkish and English are stemmed, accents do not matter.')
SEARCH = [
    _parameter("q", str(WORDS.description), required=True),
    _parameter("mode", "By words, by meaning, or both fused by rank.", enum=["text", "semantic", "hybrid"]),
    _parameter("limit", "Results, 1 to 100.", kind=OpenApiTypes.INT),
    _parameter("facets", "Add `facets`: counts by kind, status, language and tag.", kind=OpenApiTypes.BOOL),
]
