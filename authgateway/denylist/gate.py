"""The question every request asks: is this token refused before its time?"""

from __future__ import annotations

from typing import Any

from django.db import connection

from authgateway import metrics
from authgateway.denylist import cache, recent
from authgateway.models import User
from authgateway.tokens.claims import AccessClaims


def holder(claims: AccessClaims) -> User | None:
    """Return the active user the token speaks for; None when it is refused.

    Redis refuses early and without SQL; a token that it has just let pass is not asked about again. What it lets pass
    is decided by PostgreSQL in the one statement that reads the user anyway, so neither an empty, late nor unreachable
    Redis lets a revoked token through.

    Raises:
        django.db.DatabaseError: the database does not answer: the caller refuses (fail closed).
    """
    if not recent.has_passed(claims.jti):
        try:
            if cache.denies(sid=str(claims.sid), jti=claims.jti):
                return None
            recent.note(claims.jti)
        except cache.Away:
            metrics.denylist_degraded.inc()  # the statement below knows
    user = _holder(claims)
    if user is None or not user.is_active or claims.iat < user.epoch:
        return None
    return user


# Written out, and its row made into a user by hand: this is asked for every request, and building the query anew or
# having Django find out which column is which each time costs more than the answer does.
_FIELDS = [field.attname for field in User._meta.concrete_fields]
_SQL = f"""
SELECT {", ".join(f'u."{field.column}"' for field in User._meta.concrete_fields)}
FROM authgateway_user u WHERE u.id = %s AND NOT EXISTS (
    SELECT 1 FROM authgateway_denial d
    WHERE (d.kind, d.value) IN (('sid', %s), ('jti', %s)) AND d.expires_at > statement_timestamp()
)
"""  # noqa: S608  # names of columns, from the model


def _holder(claims: AccessClaims) -> User | None:
    database: Any = connection  # of our own kind (altlas.kernel.postgresql)
    row = database.first_row(_SQL, [claims.sub, str(claims.sid), claims.jti])
    return None if row is None else User.from_db(connection.alias, _FIELDS, row)
