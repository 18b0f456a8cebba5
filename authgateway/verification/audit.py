"""The configuration of tokens as it can be seen from outside and in the tables: one finding for everything wrong."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.checks import Error, Tags, run_checks

from altlas.kernel.verification import (
    Account,
    Inconclusive,
    Load,
    Outcome,
    Probe,
    Threshold,
    Verification,
    register,
)
from altlas.kernel.verification.door import Door, Reply
from altlas.kernel.verification.sabotage import replaced
from authgateway.conf import conf
from authgateway.models import RefreshToken, SigningKey
from authgateway.tokens import refresh

_LONGEST_ACCESS = 900
_SMALLEST_KEY = 2048
_CLAIMS = {"iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "scope", "amr", "auth_time"}
_HOLDS = "holds"


def run(probe: Probe) -> Outcome:
    findings: dict[str, bool] = {}
    with probe.account() as account, Door(probe.url) as door:
        probe.progress(0.1, "tokens")
        pair = _pair(door, account)
        findings |= _token(pair)
        probe.progress(0.4, "keys")
        findings |= _keys(door, pair)
        probe.progress(0.6, "stored tokens")
        findings |= _stored(pair)
        probe.progress(0.8, "doors")
        findings |= _doors(door)
    findings |= _configuration()
    wrong = [name for name, holds in findings.items() if not holds]
    return Outcome(
        metrics={"findings": float(len(wrong)), "checks": float(len(findings))},
        notes=[f"does not hold: {name}" for name in wrong] or [f"{_HOLDS}: {name}" for name in findings],
    )


def _pair(door: Door, account: Account) -> dict[str, Any]:
    reply = door.log_in(account)
    if not reply.ok:
        raise Inconclusive(f"the verification's account could not log in: {reply.status} {reply.code or reply.error}")
    return dict(reply.body)


def _part(token: str, index: int) -> dict[str, Any]:
    segment = token.split(".")[index]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return found


def _token(pair: dict[str, Any]) -> dict[str, bool]:
    head, claims = _part(pair["access"], 0), _part(pair["access"], 1)
    life = claims["exp"] - claims["iat"]
    return {
        "access tokens are signed with RS256": head["alg"] == "RS256",
        "access tokens say what they are (at+jwt)": head["typ"] == "at+jwt",
        "access tokens name their key": bool(head.get("kid")),
        "access tokens hold the claims that are needed and no other": set(claims) == _CLAIMS,
        f"access tokens live at most {_LONGEST_ACCESS} s": 0 < life <= _LONGEST_ACCESS,
        "the answer tells the life of the token": abs(pair["expires_in"] - life) <= 1,
        "refresh tokens are opaque and of 256 bits": refresh.is_shaped(pair["refresh"]),
        "an ordinary account gets ordinary scopes": not set(claims["scope"].split())
        & {"archive:all", "models:operate", "audit:read"},
    }


def _keys(door: Door, pair: dict[str, Any]) -> dict[str, bool]:
    keys = door.get("/.well-known/jwks.json").body["keys"]
    private = {"d", "p", "q", "dp", "dq", "qi", "k"}
    sizes = [len(base64.urlsafe_b64decode(key["n"] + "==")) * 8 for key in keys]
    rows = list(SigningKey.objects.all())
    blobs = [bytes(value) for row in rows for value in vars(row).values() if isinstance(value, bytes | memoryview)]
    return {
        "the signing key is published": _part(pair["access"], 0)["kid"] in {key["kid"] for key in keys},
        "the next key is published before it signs": len(keys) >= 2,
        "published keys hold nothing private": not any(private & set(key) for key in keys),
        f"keys have {_SMALLEST_KEY} bits or more": min(sizes) >= _SMALLEST_KEY,
        "exactly one key signs": sum(row.state == SigningKey.State.ACTIVE for row in rows) == 1,
        "private keys are stored encrypted": not any(b"PRIVATE KEY" in blob for blob in blobs),
    }


def _stored(pair: dict[str, Any]) -> dict[str, bool]:
    row = RefreshToken.objects.filter(token_hash=refresh.digest(pair["refresh"])).first()
    texts = [] if row is None else [str(value) for value in vars(row).values()]
    return {
        "refresh tokens are found by their hash": row is not None,
        "refresh tokens are stored as nothing but hashes": not any(pair["refresh"] in text for text in texts),
    }


def _doors(door: Door) -> dict[str, bool]:
    closed = door.call("GET", "/api/v1/auth/me", headers={"Authorization": "Bearer x"})
    login = door.post("/api/v1/auth/token", {"username": "x"})
    return {
        "a refused token is answered with 401 and WWW-Authenticate": _challenges(closed),
        "errors are problems with a code and a request id": bool(closed.code) and "x-request-id" in closed.headers,
        "a login without a password is refused": login.status == 400,
    }


def _challenges(reply: Reply) -> bool:
    return reply.status == 401 and reply.headers.get("www-authenticate", "").startswith("Bearer")


def _configuration() -> dict[str, bool]:
    errors = [
        message
        for message in run_checks(tags=[Tags.security])
        if isinstance(message, Error) and str(message.id).startswith("authgateway.")
    ]
    return {
        "the gateway's system checks are clean": not errors,
        "the idle limit of a session is below its absolute limit": conf.refresh_idle_seconds
        <= conf.refresh_absolute_seconds,
        "sessions of staff are not longer than those of others": conf.staff_absolute_seconds
        <= conf.refresh_absolute_seconds,
    }


@contextmanager
def sabotage() -> Iterator[None]:
    with replaced(conf, "access_seconds", 3600):
        yield


_ONE = {load: {"accounts": 1} for load in Load}
AUDIT = register(
    Verification(
        name="authgateway.audit",
        title="Tokens, keys and their storage are configured as they should be",
        rows=("3.1.1", "3.2.1", "3.2.2", "3.2.4", "3.3.1"),
        parameters=_ONE,
        thresholds=(
            Threshold(metric="findings", sign="<=", limit=0),
            Threshold(metric="checks", sign=">=", limit=20),
        ),
        run=run,
        sabotage=sabotage,
        fault="access tokens live for an hour",
    )
)
