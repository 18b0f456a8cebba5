"""Machines and scripts: service clients with a secret (RFC 6749, section 4.4), and API tokens sent as they are."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from altlas.kernel.clock import now
from altlas.kernel.errors import Conflict, FieldError, InvalidInput, NotFound
from authgateway import scopes as scope_names
from authgateway.caller import Caller
from authgateway.conf import conf
from authgateway.exceptions import ClientInvalid
from authgateway.models import ApiToken, Family, SecurityEvent, ServiceClient, User
from authgateway.services import issuing
from authgateway.services.issuing import TokenPair
from authgateway.services.notices import owner_tell
from authgateway.services.security_events import event_record
from authgateway.services.sessions import user_sessions_end
from authgateway.services.throttling import client_unknown
from authgateway.tokens import opaque
from authgateway.tokens.access import new_jti
from authgateway.tokens.claims import AccessClaims

_SEEN_EVERY = timedelta(seconds=60)
_MOST_TOKENS = 50


def service_client_create(
    *, name: str, scopes: frozenset[str], expires_at: datetime | None = None, actor: User | None = None
) -> tuple[ServiceClient, str]:
    """Return a new client and its secret, which is not known here afterwards.

    Raises:
        InvalidInput: unknown scopes.
        Conflict: the name is taken.
    """
    _check_scopes(scopes, scope_names.ALL)
    secret = opaque.new(opaque.CLIENT)
    with transaction.atomic():
        account = f"service:{name}"[:150]
        if ServiceClient.objects.filter(name=name).exists() or User.objects.filter(username__iexact=account).exists():
            raise Conflict("There is a service client of this name.")
        user = User(username=account)
        user.set_unusable_password()
        user.save()
        client = ServiceClient.objects.create(
            name=name, user=user, secret_hash=opaque.digest(secret), scopes=sorted(scopes), expires_at=expires_at
        )
        _record("service_client_created", client, actor)
    return client, secret


def service_client_renew(*, client: ServiceClient, actor: User | None = None) -> str:
    """Give ``client`` a new secret; the old one and its access tokens are refused at once."""
    secret = opaque.new(opaque.CLIENT)
    with transaction.atomic():
        ServiceClient.objects.filter(pk=client.pk).update(secret_hash=opaque.digest(secret))
        user_sessions_end(user=client.user, reason=Family.Reason.OPERATOR, actor=actor)
        _record("service_client_renewed", client, actor)
    return secret


def service_client_revoke(*, client: ServiceClient, actor: User | None = None) -> None:
    """Refuse ``client`` and its access tokens from now on."""
    with transaction.atomic():
        ServiceClient.objects.filter(pk=client.pk, revoked_at__isnull=True).update(revoked_at=now())
        client.user.is_active = False
        client.user.save(update_fields=["is_active"])
        _record("service_client_revoked", client, actor)


def client_credentials(*, client_id: str, secret: str, scope: str, caller: Caller) -> TokenPair:
    """Return an access token for a service client; there is no refresh token, the secret is one.

    Raises:
        ClientInvalid: wrong id or secret, expired or revoked, indistinguishable.
        RateLimited: too many wrong ones from this network lately.
        InvalidInput: scopes that it does not have.
    """
    moment = now()
    client = _client(client_id, secret, moment)
    if client is None:
        event_record(
            kind="client_refused",
            severity=SecurityEvent.Severity.LOW,
            address=caller.address,
            user_agent=caller.user_agent,
            aggregate=caller.network,
        )
        client_unknown(caller=caller)
        raise ClientInvalid("The client id or secret is wrong.")
    wanted = frozenset(scope.split()) or frozenset(client.scopes)
    _check_scopes(wanted, frozenset(client.scopes))
    ServiceClient.objects.filter(pk=client.pk).update(last_used_at=moment, last_address=caller.address)
    issued = max(int(moment.timestamp()), client.user.epoch)
    claims = AccessClaims(
        sub=client.user.pk,
        sid=client.pk,
        jti=new_jti(),
        iat=issued,
        exp=issued + conf.access_seconds,
        scopes=wanted,
        amr=("client",),
        auth_time=0,  # nobody logged in: never enough where a recent login is demanded
    )
    return issuing.pair(claims, "")


def _client(client_id: str, secret: str, moment: datetime) -> ServiceClient | None:
    try:
        identity = UUID(client_id)
    except ValueError:
        return None
    client = ServiceClient.objects.select_related("user").filter(pk=identity).first()
    stored = bytes(client.secret_hash) if client else hashlib.sha256(b"").digest()
    is_right = opaque.matches(secret, stored)
    if client is None or not is_right or client.revoked_at is not None or not client.user.is_active:
        return None
    return None if client.expires_at is not None and client.expires_at <= moment else client


def api_token_create(*, user: User, name: str, scopes: frozenset[str], days: int) -> tuple[ApiToken, str]:
    """Return a new API token's row, and the token, which is not known here afterwards.

    Raises:
        InvalidInput: scopes the user does not have, or too long a life.
        Conflict: there are too many.
    """
    _check_scopes(scopes, scope_names.of_user(user))
    if days > conf.api_token_days:
        raise InvalidInput(
            f"An API token lives {conf.api_token_days} days at most.",
            errors=[FieldError(pointer="/days", code="max_value", detail=f"At most {conf.api_token_days}.")],
        )
    token, moment = opaque.new(opaque.API), now()
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if ApiToken.objects.filter(user=user, revoked_at__isnull=True, expires_at__gt=moment).count() >= _MOST_TOKENS:
            raise Conflict(f"There are {_MOST_TOKENS} live API tokens already; revoke one first.")
        row = ApiToken.objects.create(
            user=user,
            name=name,
            token_hash=opaque.digest(token),
            scopes=sorted(scopes),
            created_at=moment,
            expires_at=moment + timedelta(days=days),
        )
        event_record(
            kind="api_token_created",
            severity=SecurityEvent.Severity.MEDIUM,
            user=user,
            actor=user,
            detail={"id": str(row.pk), "scopes": row.scopes},
        )
        owner_tell(user_id=user.pk, what="api_token", address=None)
    return row, token


def api_token_revoke(*, token_id: UUID, user: User | None = None, actor: User | None = None) -> None:
    """Refuse an API token from now on; with ``user``, only one of theirs.

    Raises:
        NotFound: no such token, or somebody else's.
    """
    rows = ApiToken.objects.filter(pk=token_id)
    row = (rows if user is None else rows.filter(user=user)).first()
    if row is None:
        raise NotFound("You have no such API token.")
    with transaction.atomic():
        if ApiToken.objects.filter(pk=row.pk, revoked_at__isnull=True).update(revoked_at=now()):
            event_record(
                kind="api_token_revoked",
                severity=SecurityEvent.Severity.INFO,
                user_id=row.user_id,
                actor=actor or user,
                detail={"id": str(row.pk)},
            )


def api_token_holder(*, token: str, address: str | None) -> tuple[User, AccessClaims] | None:
    """Return whose API token that is and what it allows now; None when it is refused. One statement."""
    moment = now()
    row = (
        ApiToken.objects.select_related("user")
        .filter(token_hash=opaque.digest(token), revoked_at__isnull=True, expires_at__gt=moment, user__is_active=True)
        .first()
    )
    if row is None:
        return None
    if row.last_used_at is None or moment - row.last_used_at > _SEEN_EVERY:
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=moment, last_address=address)
    claims = AccessClaims(
        sub=row.user_id,
        sid=row.pk,
        jti=row.pk.hex,
        iat=int(row.created_at.timestamp()),
        exp=int(row.expires_at.timestamp()),
        # What was granted, as far as the user still has it.
        scopes=frozenset(row.scopes) & scope_names.of_user(row.user),
        amr=("api_token",),
        auth_time=0,
    )
    return row.user, claims


def _check_scopes(wanted: frozenset[str], allowed: frozenset[str]) -> None:
    if beyond := sorted(wanted - allowed):
        raise InvalidInput(
            f"These scopes cannot be given: {' '.join(beyond)[:200]}.",
            errors=[FieldError(pointer="/scope", code="invalid_scope", detail="Not yours to give, or unknown.")],
        )


def _record(kind: str, client: ServiceClient, actor: User | None) -> None:
    event_record(
        kind=kind,
        severity=SecurityEvent.Severity.MEDIUM,
        user=client.user,
        actor=actor,
        detail={"client": client.name, "scopes": client.scopes},
    )
