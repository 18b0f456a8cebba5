from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from archive.admin.paginator import BoundedPaginator


class ReadOnlyAdmin(ModelAdmin):
    """A table that services own: to be looked at here; every verb is an action that calls a service."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_filter_submit = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        options = self.model._meta
        viewable = request.user.has_perm(f"{options.app_label}.view_{options.model_name}")
        return viewable or self.has_verb_permission(request)

    def has_verb_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the verbs are the user's to use: Django's ``change`` permission stands for them."""
        options = self.model._meta
        return request.user.has_perm(f"{options.app_label}.change_{options.model_name}")


class ReadOnlyInline(TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
