"""What a token allows. Every view says what it needs; one that says nothing is closed to everybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from authgateway.tokens.claims import AccessClaims

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which loads this module as a default

# As a view's ``required_scopes``: any valid token will do (one's own sessions, who am I).
AUTHENTICATED: Final = ""
_READ_TOO: Final = ("HEAD", "OPTIONS")  # what may be read may be asked about


class HasScope(BasePermission):
    """Grants what the view's ``required_scopes`` asks for: a scope, or HTTP method (or ``"*"``) -> scope."""

    message = "The access token does not have the scope that this needs."

    def has_permission(self, request: Request, view: APIView) -> bool:
        needed = required_scope(view, request.method or "")
        claims = request.auth
        if needed is None or not isinstance(claims, AccessClaims):
            return False
        return needed == AUTHENTICATED or needed in claims.scopes


class Public(BasePermission):
    """Explicit opt-out: login, keys, health."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return True


def required_scope(view: object, method: str) -> str | None:
    """Return the scope that ``view`` asks for on ``method``; None when it declares nothing."""
    declared: str | Mapping[str, str] | None = getattr(view, "required_scopes", None)
    if declared is None or isinstance(declared, str):
        return declared
    if method in _READ_TOO and method not in declared and "GET" in declared:
        method = "GET"
    return declared.get(method, declared.get("*"))
