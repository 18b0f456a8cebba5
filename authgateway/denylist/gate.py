"""The question every request asks: is this token refused before its time?"""

from __future__ import annotations

from django.db.models import Exists, Q, QuerySet
from django.db.models.functions import Now

from authgateway import metrics
from authgateway.denylist import cache
from authgateway.models import Denial, User
from authgateway.tokens.claims import AccessClaims


def holder(claims: AccessClaims) -> User | None:
    """Return the active user the token speaks for; None when it is refused.

    Redis refuses early and without SQL. What it lets pass is decided by PostgreSQL in the one statement that reads
    the user anyway, so neither an empty, late nor unreachable Redis lets a revoked token through.

    Raises:
        django.db.DatabaseError: the database does not answer: the caller refuses (fail closed).
    """
    try:
        if cache.denies(sid=str(claims.sid), jti=claims.jti):
            return None
    except cache.Away:
        metrics.denylist_degraded.inc()  # the statement below knows
    user = _users(claims).first()
    if user is None or not user.is_active or claims.iat < user.epoch:
        return None
    return user


def _users(claims: AccessClaims) -> QuerySet[User]:
    denials = Denial.objects.filter(
        Q(kind=Denial.Kind.SID, value=str(claims.sid)) | Q(kind=Denial.Kind.JTI, value=claims.jti),
        expires_at__gt=Now(),
    )
    return User.objects.filter(~Exists(denials), pk=claims.sub).order_by()
