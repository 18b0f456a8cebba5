from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from authgateway.models import User


def actor_of(request: HttpRequest) -> User | None:
    """Who acts, for the audit row."""
    return request.user if isinstance(request.user, User) else None


class ReadOnlyAdmin(ModelAdmin):
    """A table that services own: to be looked at here; every verb is an action that calls a service."""

    list_filter_submit = True
    actions_selection_counter = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def allowed(self, request: HttpRequest) -> bool:
        """Whether the verbs of this table are the user's to use: Django's ``change`` permission stands for them."""
        options = self.model._meta
        return request.user.has_perm(f"{options.app_label}.change_{options.model_name}")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        options = self.model._meta
        return request.user.has_perm(f"{options.app_label}.view_{options.model_name}") or self.allowed(request)

    def has_verb_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.allowed(request)


class ReadOnlyInline(TabularInline):
    extra = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
