"""Wire shapes of the archive."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from archive.conf import KIND_MAXIMUM, LANGUAGE_MAXIMUM, TAG_MAXIMUM, TAGS_MAXIMUM, TITLE_MAXIMUM
from archive.statuses import CHOICES, Status


def _tags() -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(max_length=TAG_MAXIMUM), max_length=TAGS_MAXIMUM, required=False
    )


class RecordInput(serializers.Serializer[Any]):
    """A new record. Lengths of text and payload are settings and checked by the service."""

    kind = serializers.CharField(max_length=KIND_MAXIMUM)
    title = serializers.CharField(max_length=TITLE_MAXIMUM, allow_blank=True, default="")
    text = serializers.CharField(allow_blank=True, trim_whitespace=False, default="")
    payload = serializers.DictField(default=dict)
    tags = _tags()
    language = serializers.CharField(max_length=LANGUAGE_MAXIMUM, allow_blank=True, default="")
    success_rate = serializers.FloatField(allow_null=True, default=None, min_value=0, max_value=1)
    status = serializers.ChoiceField(choices=CHOICES, default=Status.ACTIVE.value)
    source_run_id = serializers.UUIDField(allow_null=True, default=None)


class RecordChanges(serializers.Serializer[Any]):
    """Members to change; absent ones stay."""

    kind = serializers.CharField(max_length=KIND_MAXIMUM, required=False)
    title = serializers.CharField(max_length=TITLE_MAXIMUM, allow_blank=True, required=False)
    text = serializers.CharField(allow_blank=True, trim_whitespace=False, required=False)
    payload = serializers.DictField(required=False)
    tags = _tags()
    language = serializers.CharField(max_length=LANGUAGE_MAXIMUM, allow_blank=True, required=False)
    success_rate = serializers.FloatField(allow_null=True, required=False, min_value=0, max_value=1)
    status = serializers.ChoiceField(choices=CHOICES, required=False)


class RecordSummary(serializers.Serializer[Any]):
    """A record in a list. Documents the shape; PostgreSQL writes it (archive.wire)."""

    id = serializers.UUIDField()
    owner_id = serializers.UUIDField()
    kind = serializers.CharField()
    status = serializers.ChoiceField(choices=CHOICES)
    title = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    language = serializers.CharField()
    success_rate = serializers.FloatField(allow_null=True)
    source_run_id = serializers.UUIDField(allow_null=True)
    on_hold = serializers.BooleanField()
    version = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class RecordDetail(RecordSummary):
    deleted_at = serializers.DateTimeField(allow_null=True)
    text = serializers.CharField()
    payload = serializers.DictField()


class BulkInput(serializers.Serializer[Any]):
    records = RecordInput(
        many=True, help_text="Each may carry an `id` (UUIDv7), which makes sending it again harmless."
    )
    atomic = serializers.BooleanField(default=False)


class BulkRow(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=["created", "exists", "refused"])
    id = serializers.UUIDField(allow_null=True)


class BulkOut(serializers.Serializer[Any]):
    counts = serializers.DictField(child=serializers.IntegerField())
    results = BulkRow(many=True)


class CountOut(serializers.Serializer[Any]):
    value = serializers.IntegerField()
    relation = serializers.ChoiceField(choices=["eq", "gte", "approx"])


class RecordPage(serializers.Serializer[Any]):
    results = RecordSummary(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    count = CountOut(required=False)


class HitOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    status = serializers.CharField()
    title = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    language = serializers.CharField()
    success_rate = serializers.FloatField(allow_null=True)
    created_at = serializers.DateTimeField()
    score = serializers.FloatField(
        help_text="Rank, cosine similarity or fused rank, by mode; comparable within one answer."
    )
    scores = serializers.DictField(child=serializers.FloatField(), help_text="Score of each leg that found it.")
    highlight = serializers.CharField(help_text="HTML: the text is escaped, matches are in <mark>.")


class FacetsOut(serializers.Serializer[Any]):
    counted = serializers.IntegerField()
    relation = serializers.ChoiceField(
        choices=["eq", "gte"], help_text="eq: every match was counted; gte: only the newest ones were."
    )
    kind = serializers.DictField(child=serializers.IntegerField())
    status = serializers.DictField(child=serializers.IntegerField())
    language = serializers.DictField(child=serializers.IntegerField())
    tag = serializers.DictField(child=serializers.IntegerField())


class SearchOut(serializers.Serializer[Any]):
    mode = serializers.CharField()
    results = HitOut(many=True, source="hits")
    degraded = serializers.ListField(
        child=serializers.CharField(),
        help_text="Legs that could not take part, such as semantic when no model answers.",
    )
    facets = FacetsOut(allow_null=True, help_text="Null unless asked for.")


class StatsOut(serializers.Serializer[Any]):
    as_of = serializers.DateTimeField(help_text="The time that the counts are of.")
    age = serializers.FloatField(help_text="Seconds since then.")
    basis = serializers.ChoiceField(choices=["live", "view"])
    total = serializers.IntegerField()
    average_success_rate = serializers.FloatField(allow_null=True)
    by_status = serializers.DictField(child=serializers.IntegerField())
    by_kind = serializers.DictField(child=serializers.IntegerField())
    by_language = serializers.DictField(child=serializers.IntegerField())
    by_tag = serializers.DictField(child=serializers.IntegerField())
    by_day = serializers.DictField(child=serializers.IntegerField())
