"""Who asks: operators see all, others nothing of machines, of where files lie and of other people."""

from __future__ import annotations

from rest_framework.request import Request

from authgateway.authentication import claims_of
from authgateway.scopes import MODELS_OPERATE


def operates(request: Request) -> bool:
    """Return whether the caller's token has the operators' scope, whoever holds it."""
    return MODELS_OPERATE in claims_of(request).scopes
