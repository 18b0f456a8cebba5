from __future__ import annotations

from rest_framework_simplejwt.authentication import JWTAuthentication


class AccessTokenAuthentication(JWTAuthentication):
    """Bearer access tokens."""
