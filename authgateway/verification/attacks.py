"""What an attacker would try, against the running gateway: refused every time, and honest calls answered."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from jwt.algorithms import RSAAlgorithm

from altlas.kernel.verification import Account, Load, Outcome, Probe, Series, Threshold, Verification, register
from altlas.kernel.verification.door import Door, Reply
from altlas.kernel.verification.sabotage import replaced
from authgateway.denylist import cache, gate
from authgateway.models import SecurityEvent, User

_ME = "/api/v1/auth/me"


@dataclass
class Scene:
    """One account's sessions, and what came of the attempts so far."""

    url: str
    account: Account
    worked: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    tried: int = 0

    def log_in(self) -> dict[str, Any]:
        with Door(self.url) as door:
            reply = door.log_in(self.account)
        if not reply.ok:
            self.broken.append(f"log in: {reply.status} {reply.code}")
            return {"access": "", "refresh": ""}
        return dict(reply.body)

    def ask(self, method: str, path: str, body: Any = None, *, token: str = "") -> Reply:
        with Door(self.url, token) as door:
            return door.call(method, path, body)

    def me(self, token: str) -> Reply:
        return self.ask("GET", _ME, token=token)

    def refused(self, what: str, reply: Reply, *, statuses: tuple[int, ...] = (401,)) -> None:
        """Note an attack; one that is not refused, as it should be, has worked."""
        self.tried += 1
        if reply.status not in statuses:
            self.worked.append(f"{what}: {reply.status} {reply.code or reply.error}")

    def honest(self, what: str, reply: Reply) -> None:
        if not reply.ok:
            self.broken.append(f"{what}: {reply.status} {reply.code or reply.error}")


def run(probe: Probe) -> Outcome:
    rounds = probe.parameters["rounds"]
    series: list[tuple[float, float]] = []
    with probe.account() as account, probe.account(operator=True) as other:
        scene = Scene(url=probe.url, account=account)
        stranger = Scene(url=probe.url, account=other)
        steps = [*_FORGERIES, *_SESSIONS]
        for number in range(rounds):
            for index, step in enumerate(steps):
                probe.progress((number + index / len(steps)) / rounds, step.__name__.strip("_").replace("_", " "))
                step(scene, stranger)
            series.append((float(number + 1), float(len(scene.worked))))
        told = SecurityEvent.objects.filter(user_id=account.id, kind__in=["refresh_reuse", "stale_lineage"]).exists()
    return Outcome(
        metrics={
            "attacks_that_worked": float(len(scene.worked)),
            "honest_calls_refused": float(len(scene.broken) + len(stranger.broken)),
            "attacks": float(scene.tried),
            "reuse_recorded": float(told),
        },
        series=[Series(name="attacks that worked so far", x="round", y="attacks", points=series)],
        notes=[*scene.worked[:10], *scene.broken[:10]],
    )


# --- forged and misused tokens --------------------------------------------------------------------------------------
def _no_token(scene: Scene, stranger: Scene) -> None:
    scene.refused("no token", scene.ask("GET", _ME))
    scene.refused("garbage", scene.me("a.b.c"))
    scene.refused("oversize", scene.me("a" * 9000))


def _unsigned(scene: Scene, stranger: Scene) -> None:
    head, payload, signature = _parts(scene.log_in()["access"])
    for alg in ("none", "None", "nOnE"):
        scene.refused(f"alg {alg}", scene.me(_token({**head, "alg": alg}, payload, b"")))
    scene.refused("signature cut off", scene.me(_token(head, payload, b"")))
    scene.refused("another payload", scene.me(_token(head, {**payload, "scope": "archive:all"}, signature)))
    scene.refused("a longer life", scene.me(_token(head, {**payload, "exp": payload["exp"] + 86_400}, signature)))


def _confused_algorithm(scene: Scene, stranger: Scene) -> None:
    head, payload, _ = _parts(scene.log_in()["access"])
    keys = scene.ask("GET", "/.well-known/jwks.json").body["keys"]
    public = RSAAlgorithm.from_jwk(json.dumps(keys[0]))
    from cryptography.hazmat.primitives import serialization

    pem = public.public_bytes(  # type: ignore[union-attr]  # a JWKS holds public keys
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for secret in (pem, pem.strip(), keys[0]["n"].encode()):
        forged = _token({**head, "alg": "HS256"}, payload, b"")
        mac = hmac.new(secret, forged.rpartition(".")[0].encode(), hashlib.sha256).digest()
        scene.refused("HS256 with the public key", scene.me(_token({**head, "alg": "HS256"}, payload, mac)))


def _keys_from_the_token(scene: Scene, stranger: Scene) -> None:
    head, payload, signature = _parts(scene.log_in()["access"])
    for extra in ({"jku": "http://127.0.0.1:1/k"}, {"jwk": {"kty": "RSA"}}, {"kid": "../../x"}, {"typ": "JWT"}):
        scene.refused(f"header {sorted(extra)[0]}", scene.me(_token({**head, **extra}, payload, signature)))


def _misused(scene: Scene, stranger: Scene) -> None:
    pair = scene.log_in()
    scene.refused("refresh token as bearer", scene.me(pair["refresh"]))
    reply = scene.ask("POST", "/api/v1/auth/token/refresh", {"refresh": pair["access"]})
    scene.refused("access token as refresh token", reply, statuses=(400, 401))
    reply = scene.ask("POST", "/api/v1/auth/token/refresh", {"refresh": "alr_" + "A" * 43})
    scene.refused("a refresh token that was never issued", reply)
    scene.honest("the pair itself still works", scene.me(pair["access"]))


def _wrong_password(scene: Scene, stranger: Scene) -> None:
    body = {"username": scene.account.username, "password": "not the password"}
    scene.refused("wrong password", scene.ask("POST", "/api/v1/auth/token", body))
    scene.log_in()  # forgets the failure


# --- sessions that have ended ---------------------------------------------------------------------------------------
def _after_logout(scene: Scene, stranger: Scene) -> None:
    pair = scene.log_in()
    scene.honest("before logout", scene.me(pair["access"]))
    scene.honest("logout", scene.ask("POST", "/api/v1/auth/logout", {"refresh": pair["refresh"]}, token=pair["access"]))
    scene.refused("access token after logout", scene.me(pair["access"]))
    scene.refused("forward-auth after logout", scene.ask("GET", "/api/v1/auth/verify", token=pair["access"]))
    reply = scene.ask("POST", "/api/v1/auth/token/refresh", {"refresh": pair["refresh"]})
    scene.refused("refresh token after logout", reply)


def _revoked_token(scene: Scene, stranger: Scene) -> None:
    pair = scene.log_in()
    reply = scene.ask("POST", "/api/v1/auth/token/revoke", {"token": pair["access"]}, token=pair["access"])
    scene.honest("revoke", reply)
    scene.refused("access token after its revocation", scene.me(pair["access"]))


def _reused_refresh_token(scene: Scene, stranger: Scene) -> None:
    first = scene.log_in()
    second = scene.ask("POST", "/api/v1/auth/token/refresh", {"refresh": first["refresh"]})
    scene.honest("rotation", second)
    third = scene.ask("POST", "/api/v1/auth/token/refresh", {"refresh": second.body["refresh"]})
    scene.honest("second rotation", third)
    stolen = scene.ask("POST", "/api/v1/auth/token/refresh", {"refresh": first["refresh"]})
    scene.refused("a refresh token that was rotated away", stolen)
    scene.refused("access token after the theft was seen", scene.me(third.body["access"]))
    reply = scene.ask("POST", "/api/v1/auth/token/refresh", {"refresh": third.body["refresh"]})
    scene.refused("the thief's successor", reply)


def _everywhere(scene: Scene, stranger: Scene) -> None:
    one, two = scene.log_in(), scene.log_in()
    scene.honest("logout everywhere", scene.ask("POST", "/api/v1/auth/logout-all", {}, token=one["access"]))
    scene.refused("the same session afterwards", scene.me(one["access"]))
    scene.refused("another session afterwards", scene.me(two["access"]))


def _foreign_session(scene: Scene, stranger: Scene) -> None:
    pair, theirs = scene.log_in(), stranger.log_in()
    sessions = scene.ask("GET", "/api/v1/auth/sessions", token=theirs["access"])
    scene.honest("the stranger's list of sessions", sessions)
    victim = _parts(pair["access"])[1]["sid"]
    reply = scene.ask("DELETE", f"/api/v1/auth/sessions/{victim}", token=theirs["access"])
    scene.refused("ending somebody else's session", reply, statuses=(404,))
    scene.honest("the session that a stranger tried to end", scene.me(pair["access"]))
    own = scene.ask("DELETE", f"/api/v1/auth/sessions/{victim}", token=pair["access"])
    scene.honest("ending one's own session", own)
    scene.refused("access token of the ended session", scene.me(pair["access"]))


def _without_the_scope(scene: Scene, stranger: Scene) -> None:
    pair = scene.log_in()
    reply = scene.ask("POST", "/api/v1/models", {"name": "x"}, token=pair["access"])
    scene.refused("steering models without the scope", reply, statuses=(403,))


Step = Callable[[Scene, Scene], None]
_FORGERIES: tuple[Step, ...] = (
    _no_token,
    _unsigned,
    _confused_algorithm,
    _keys_from_the_token,
    _misused,
    _wrong_password,
    _without_the_scope,
)
_SESSIONS: tuple[Step, ...] = (_after_logout, _revoked_token, _reused_refresh_token, _everywhere, _foreign_session)


# --- tokens as text -------------------------------------------------------------------------------------------------
def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    head, payload, signature = (*token.split("."), "", "", "")[:3]
    return json.loads(_raw(head) or b"{}"), json.loads(_raw(payload) or b'{"exp": 0, "sid": ""}'), _raw(signature)


def _raw(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def _token(head: dict[str, Any], payload: dict[str, Any], signature: bytes) -> str:
    parts = [json.dumps(head).encode(), json.dumps(payload).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@contextmanager
def sabotage() -> Iterator[None]:
    with (
        replaced(cache, "denies", lambda **_: False),
        replaced(gate, "_holder", lambda claims: User.objects.filter(pk=claims.sub).first()),
    ):
        yield


ATTACKS = register(
    Verification(
        name="authgateway.attacks",
        title="Forged, stolen and ended tokens are refused; honest ones are not",
        rows=("3.1.2", "3.1.3", "3.2.3", "3.2.5", "3.3.2", "3.3.3", "3.3.5", "3.4.3"),
        parameters={Load.LOW: {"rounds": 1}, Load.MID: {"rounds": 2}, Load.HIGH: {"rounds": 10}},
        thresholds=(
            Threshold(metric="attacks_that_worked", sign="<=", limit=0),
            Threshold(metric="honest_calls_refused", sign="<=", limit=0),
            Threshold(metric="attacks", sign=">=", limit=25),
            Threshold(metric="reuse_recorded", sign=">=", limit=1),
        ),
        run=run,
        sabotage=sabotage,
        fault="the denylist is switched off",
    )
)
