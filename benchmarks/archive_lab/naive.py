"""The archive as it is often written first: what ARC-037 was about. Never part of the product.

LIMIT/OFFSET, a count for every page, whole ORM instances through a serializer, aggregates counted live, no cache, and a
table without indexes but the key.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Avg, Count, Q
from rest_framework.generics import ListAPIView
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer
from rest_framework.views import APIView

from benchmarks.archive_lab.tables import NaiveRecord


class Whole(ModelSerializer):
    class Meta:
        model = NaiveRecord
        fields = "__all__"


class Pages(LimitOffsetPagination):
    default_limit = 50


class List(ListAPIView):
    authentication_classes = ()
    permission_classes = ()
    pagination_class = Pages
    serializer_class = Whole

    def get_queryset(self) -> Any:
        found = NaiveRecord.objects.filter(owner_id=self.request.GET["owner"], deleted_at=None)
        if words := self.request.GET.get("q"):
            found = found.filter(Q(title__icontains=words) | Q(text__icontains=words))
        return found.order_by("-created_at")


class Stats(APIView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        living = NaiveRecord.objects.filter(owner_id=request.GET["owner"], deleted_at=None)
        groups = {
            f"by_{name}": dict(living.values_list(name).annotate(Count("id")))
            for name in ("status", "kind", "language")
        }
        days = living.values_list("created_at__date").annotate(Count("id"))
        return Response(
            {
                "total": living.count(),
                "average_success_rate": living.aggregate(Avg("success_rate"))["success_rate__avg"],
                "by_day": {str(day): count for day, count in days},
                **groups,
            }
        )
