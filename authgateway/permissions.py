from __future__ import annotations

from rest_framework.permissions import AllowAny, BasePermission


class HasScope(BasePermission):
    """Placeholder that denies."""

    def has_permission(self, request, view):  # type: ignore[no-untyped-def]
        return False


class Public(AllowAny):
    """Explicit opt-out of the default denial."""
