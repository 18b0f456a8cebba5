"""Tables that the engine owns: to be looked at; every verb is an action that calls a service."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest
from unfold.admin import ModelAdmin, TabularInline


def may_operate(request: HttpRequest) -> bool:
    """Whether the user is a model operator: staff with the change permission on models, or in the operators group."""
    user = request.user
    if not user.is_authenticated or not user.is_staff:
        return False
    return user.has_perm("orchestrator.change_model") or user.groups.filter(name="operators").exists()


class ReadOnlyAdmin(ModelAdmin):
    list_filter_submit = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        options = self.model._meta
        return may_operate(request) or request.user.has_perm(f"{options.app_label}.view_{options.model_name}")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_operate(request)

    def row_of(self, request: HttpRequest, object_id: str) -> Any:
        """Return the row that an action was asked for.

        Raises: Http404.
        """
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return row


class ReadOnlyInline(TabularInline):
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True
