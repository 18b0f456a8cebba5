"""Tables that services own: to be looked at; every verb is a form or an action that calls a service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from altlas.kernel.errors import AltlasError


class ReadOnlyAdmin(ModelAdmin):
    list_per_page = 100
    list_filter_submit = True
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(self._named("view")) or self.has_verb_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_verb_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the verbs are the user's to use: Django's ``change`` permission stands for them."""
        return request.user.has_perm(self._named("change"))

    def attempt(self, request: HttpRequest, verb: Callable[[], Any], done: Any) -> bool:
        """Call a service and tell what came of it; return whether it worked."""
        try:
            verb()
        except AltlasError as exc:
            self.message_user(request, exc.detail, messages.ERROR)
            return False
        self.message_user(request, done, messages.SUCCESS)
        return True

    def _named(self, verb: str) -> str:
        options = self.model._meta
        return f"{options.app_label}.{verb}_{options.model_name}"


class ReadOnlyInline(TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True
