from __future__ import annotations

from typing import Any

from django.db import transaction
from rest_framework.response import Response
from rest_framework.views import APIView


class AuthView(APIView):
    """Answers are never cached; verdicts are committed by services and must survive the error that tells them."""

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Response:
        final: Response = super().finalize_response(request, response, *args, **kwargs)
        final.headers.setdefault("Cache-Control", "no-store")
        final.headers.setdefault("Pragma", "no-cache")
        return final

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        # Django looks for the mark on the callable, where DRF's own wrapper would hide it.
        return transaction.non_atomic_requests(super().as_view(**initkwargs))
