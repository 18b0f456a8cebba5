"""Nodes, and the live page of what they hold."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from orchestrator.admin import live
from orchestrator.admin.read_only import ReadOnlyAdmin
from orchestrator.admin.shown import megabytes
from orchestrator.models import Node
from orchestrator.selectors import live_nodes


@admin.register(Node)
class NodeAdmin(ReadOnlyAdmin):
    list_display = ("name", "alive", "draining", "budget", "used", "host", "started_at", "last_seen_at")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("cache", view(live.page), name="orchestrator_node_cache"),
            path("cache/data", view(live.data), name="orchestrator_node_cache_data"),
            path("cache/history", view(live.history), name="orchestrator_node_cache_history"),
            *super().get_urls(),
        ]

    @display(description=_("alive"), boolean=True)
    def alive(self, node: Node) -> bool:
        return node.name in {found["name"] for found in live_nodes()}

    @display(description=_("budget"), ordering="budget_bytes")
    def budget(self, node: Node) -> str:
        return megabytes(node.budget_bytes)

    @display(description=_("used"), ordering="used_bytes")
    def used(self, node: Node) -> str:
        return megabytes(node.used_bytes)
