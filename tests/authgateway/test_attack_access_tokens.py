"""Forged, edited and misused access tokens: rows 1-13, 29-32, 56 and 58 of the attack list."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from rest_framework.test import APIClient

from authgateway.authentication import verify
from authgateway.exceptions import TokenInvalid
from authgateway.keys import ring, rsa_key
from authgateway.models import Family, SecurityEvent, SigningKey, User
from authgateway.services.sessions import user_sessions_end
from authgateway.services.signing_keys import signing_key_kill, signing_keys_rotate, signing_keys_tend
from authgateway.tokens import verifier
from tests.authgateway import forge
from tests.authgateway.conftest import Login, auth
from tests.authgateway.forge import ABSENT

pytestmark = pytest.mark.django_db


@pytest.fixture
def family(ada: User, login: Login) -> Family:
    login()
    return Family.objects.get()


@pytest.fixture
def now() -> int:
    return int(time.time())


@pytest.fixture
def good(ada: User, family: Family, now: int) -> dict[str, Any]:
    return forge.claims(ada, family, now=now)


def refused(token: str, *, code: str = "token_invalid", event: str | None = None) -> None:
    answer = APIClient().get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401, answer.content
    body = answer.json()
    assert body["code"] == code
    assert body["detail"] == "The access token is not valid."
    assert answer["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    if event is not None:
        assert SecurityEvent.objects.filter(kind=event).exists(), list(
            SecurityEvent.objects.values_list("kind", flat=True)
        )


def accepted(token: str) -> None:
    answer = APIClient().get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.content


def test_the_forge_makes_tokens_that_pass_when_nothing_is_wrong(good) -> None:
    accepted(forge.signed(forge.header(), good))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None])
def test_attack_01_alg_none(good, alg) -> None:
    refused(forge.with_signature(forge.header(alg=alg), good, b"x"), event="alg_rejected")
    empty = forge.with_signature(forge.header(alg=alg), good, b"x").rpartition(".")[0] + "."
    refused(empty)


@pytest.mark.parametrize("encoding", ["pem", "der", "jwk", "jwks"])
def test_attack_02_hs256_with_the_public_key(good, encoding) -> None:
    public = ring.signer().key.public_key()
    jwk = rsa_key.jwk(public)
    secret = {
        "pem": rsa_key.public_pem(public).encode(),
        "der": public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        "jwk": json.dumps(jwk).encode(),
        "jwks": json.dumps({"keys": [jwk]}).encode(),
    }[encoding]
    unsigned = forge.with_signature(forge.header(alg="HS256"), good, b"x").rpartition(".")[0]
    mac = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
    refused(f"{unsigned}.{forge.b64(mac)}", event="alg_confusion")
    assert SecurityEvent.objects.get(kind="alg_confusion").severity == "high"


def test_attack_03_other_algorithms_with_our_key(good) -> None:
    key = ring.signer().key
    unsigned = {
        alg: forge.with_signature(forge.header(alg=alg), good, b"x").rpartition(".")[0]
        for alg in ("RS384", "PS256", "ES256")
    }
    signatures = {
        "RS384": key.sign(unsigned["RS384"].encode(), padding.PKCS1v15(), SHA384()),
        "PS256": key.sign(unsigned["PS256"].encode(), padding.PSS(padding.MGF1(SHA256()), 32), SHA256()),
        "ES256": ec.generate_private_key(ec.SECP256R1()).sign(unsigned["ES256"].encode(), ec.ECDSA(SHA256())),
    }
    for alg, signature in signatures.items():
        refused(f"{unsigned[alg]}.{forge.b64(signature)}", event="alg_rejected")


@pytest.mark.parametrize(
    "kid",
    [
        ABSENT,
        "",
        7,
        None,
        ["x"],
        "A" * 43,
        "A" * 10_240,
        "../../dev/null",
        "x' OR '1'='1",
        "/bin/sleep 10 |",
        "a\0b",
    ],
    ids=str,
)
def test_attack_04_kid_games(good, kid, django_assert_max_num_queries) -> None:
    token = forge.signed(forge.header(kid=kid), good)
    ring.current()
    with django_assert_max_num_queries(0), pytest.raises(TokenInvalid):
        verify(token)
    refused(token)


def test_attack_04_a_key_set_has_no_duplicate_kids(db) -> None:
    kids = [key["kid"] for key in APIClient().get("/.well-known/jwks.json").json()["keys"]]
    assert len(kids) == len(set(kids))


@pytest.fixture
def no_connections(monkeypatch) -> list[Any]:
    """Every attempt of this process to open a network connection (engines are on Unix sockets)."""
    tried: list[Any] = []
    original = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX:
            tried.append(address)
        original(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return tried


@pytest.mark.parametrize("name", ["jku", "x5u"])
@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/jwks.json",
        "https://altlas@evil.example/.well-known/jwks.json",
        "http://127.0.0.1:9/redirect",
        "file:///dev/zero",
    ],
)
def test_attack_05_keys_from_elsewhere(good, name, address, no_connections) -> None:
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    refused(forge.signed(forge.header(**{name: address}), good, key=own), event="header_key_injection")
    refused(forge.signed(forge.header(**{name: address}), good))  # even with our own signature
    assert no_connections == []


@pytest.mark.parametrize("name", ["jwk", "x5c"])
def test_attack_06_keys_in_the_token(good, name) -> None:
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    value = rsa_key.jwk(own.public_key()) if name == "jwk" else [rsa_key.public_pem(own.public_key())]
    refused(forge.signed(forge.header(**{name: value}), good, key=own), event="header_key_injection")


@pytest.mark.parametrize(
    "change",
    [{"crit": ["exp"]}, {"crit": ["b64"], "b64": False}, {"b64": False}, {"cty": "JWT"}, {"zip": "DEF"}],
    ids=str,
)
def test_attack_07_header_extensions(good, change) -> None:
    refused(forge.signed(forge.header(**change), good), event="malformed")


@pytest.mark.parametrize("typ", ["JWT", "jwt", "AT+JWT", "application/at+jwt", "refresh", "", None, ABSENT], ids=str)
def test_attack_07_wrong_typ(good, typ) -> None:
    refused(forge.signed(forge.header(typ=typ), good), code="token_wrong_type", event="type_confusion")


def test_attack_07_other_serializations(good) -> None:
    token = forge.signed(forge.header(), good)
    head, payload, signature = token.split(".")
    refused(f"{head}.{payload}.{signature}.{payload}.{signature}")  # five parts: JWE
    refused(json.dumps({"protected": head, "payload": payload, "signature": signature}))
    nested = forge.signed(forge.header(), token.encode())
    refused(nested, event="malformed")


@pytest.mark.parametrize("part", ["header", "payload"])
def test_attack_07_duplicate_members(good, part) -> None:
    head, payload = json.dumps(forge.header()), json.dumps(good)
    if part == "header":
        head = '{"alg":"none",' + head[1:]
    else:
        payload = '{"sub":"00000000-0000-0000-0000-000000000000",' + payload[1:]
    refused(forge.signed(head.encode(), payload.encode()), event="malformed")


def test_attack_08_expired(ada, family, now) -> None:
    past = forge.claims(ada, family, now=now - 400, exp=now - 31)
    refused(forge.signed(forge.header(), past), code="token_expired")
    just = forge.claims(ada, family, now=now - 300, exp=now)
    refused(forge.signed(forge.header(), just), code="token_expired")
    assert not SecurityEvent.objects.filter(kind="expired").exists()  # ordinary: a counter is enough


@pytest.mark.parametrize("exp", ["9999999999", 1e10, float("nan"), 10**400, 99_999_999_999, True, None, [1]], ids=str)
def test_attack_08_absurd_expiry(ada, family, now, exp) -> None:
    refused(forge.signed(forge.header(), forge.claims(ada, family, now=now, exp=exp)))


def test_attack_08_infinite_expiry(ada, family, now) -> None:
    payload = json.dumps(forge.claims(ada, family, now=now, exp=1)).replace('"exp": 1', '"exp": 1e999')
    refused(forge.signed(forge.header(), payload.encode()), event="malformed")


@pytest.mark.parametrize("changes", [{"nbf": 3600}, {"iat": 50, "nbf": 50, "exp": 350}, {"iat": 3600, "exp": 3900}])
def test_attack_09_from_the_future(ada, family, now, changes) -> None:
    shifted = {name: now + offset for name, offset in changes.items()}
    refused(forge.signed(forge.header(), forge.claims(ada, family, now=now, **shifted)))


def test_attack_09_older_than_the_users_epoch(ada, good, family) -> None:
    user_sessions_end(user=ada, reason=Family.Reason.OPERATOR)
    refused(forge.signed(forge.header(), {**good, "sid": "00000000-0000-7000-8000-000000000000"}), event="revoked")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "other"},
        {"aud": ABSENT},
        {"aud": ["altlas-api", "other"]},
        {"aud": ["altlas-api"]},
        {"aud": "altlas-api "},
        {"iss": "altla"},
        {"iss": "altlas.evil.example"},
        {"iss": "ALTLAS"},
        {"iss": ["altlas"]},
        {"iss": ABSENT},
        {"extra": 1},
    ],
    ids=str,
)
def test_attack_10_claims_of_somebody_else(good, changes) -> None:
    payload = {name: value for name, value in {**good, **changes}.items() if value is not ABSENT}
    refused(forge.signed(forge.header(), payload), event="claim_mismatch")


def test_attack_11_refresh_token_as_access_token(ada, login: Login) -> None:
    refused(login()["refresh"], code="token_wrong_type", event="type_confusion")


def test_attack_11_access_token_as_refresh_token(api: APIClient, ada, login: Login) -> None:
    answer = api.post("/api/v1/auth/token/refresh", {"refresh": login()["access"]})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_wrong_type")


@pytest.mark.parametrize(
    "changes",
    [{"sub": "00000000-0000-0000-0000-000000000000"}, {"scope": "models:operate audit:read"}, {"sid": "x"}],
    ids=str,
)
def test_attack_12_edited_claims(ada, login: Login, changes) -> None:
    head, payload, signature = login()["access"].split(".")
    edited = {**json.loads(forge.unb64(payload)), **changes}
    refused(f"{head}.{forge.b64(json.dumps(edited).encode())}.{signature}", event="bad_signature")


def test_attack_12_every_bit_of_the_signature_counts(ada, login: Login) -> None:
    head, payload, signature = login()["access"].split(".")
    raw = forge.unb64(signature)
    for position in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[position // 8] ^= 1 << position % 8
        with pytest.raises(TokenInvalid):
            verify(f"{head}.{payload}.{forge.b64(bytes(flipped))}")


def test_attack_12_truncated_and_swapped(ada, login: Login) -> None:
    one, two = login()["access"].split("."), login()["access"].split(".")
    for token in (
        ".".join(one[:2]),
        ".".join(one)[:-1],
        f"{one[0]}.{two[1]}.{one[2]}",
        f"{one[1]}.{one[0]}.{one[2]}",
        f"{one[0]}..{one[2]}",
    ):
        refused(token)


def respelt(token: str) -> list[str]:
    head, payload, signature = token.split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    found = [
        f"{head}.{payload}.{signature}=",
        f"{head}.{payload}=.{signature}",
        f"{token} ",
        f"{head}.{payload}.{signature}\t",
        token.replace("-", "+").replace("_", "/"),
    ]
    for index, segment in enumerate((head, payload, signature)):
        spare = {2: 16, 3: 4}.get(len(segment) % 4)
        if spare:
            last = alphabet[alphabet.index(segment[-1]) ^ 1]  # the same bytes, another last letter
            parts = [head, payload, signature]
            parts[index] = segment[:-1] + last
            found.append(".".join(parts))
    return found


def test_attack_13_other_spellings_of_a_token(ada, login: Login) -> None:
    token = login()["access"]
    for spelling in respelt(token):
        if spelling != token:
            refused(spelling)


def test_attack_13_a_non_canonical_signature_of_ours_is_noticed(good) -> None:
    token = forge.signed(forge.header(), {**good, "scope": "segment "})
    for spelling in respelt(token)[5:]:
        with pytest.raises(TokenInvalid) as caught:
            verify(spelling)
        assert caught.value.reason in {"malleated", "bad_signature"}


def test_attack_29_a_rotated_key_verifies_in_the_overlap_only(ada, login: Login) -> None:
    token = login()["access"]
    former = SigningKey.objects.get(state="active")
    signing_keys_rotate()
    accepted(token)
    SigningKey.objects.filter(kid=former.kid).update(retiring_at=former.created_at.replace(year=2020))
    signing_keys_tend()
    assert SigningKey.objects.get(kid=former.kid).state == "retired"
    refused(token, event="retired_kid")


def test_attack_29_a_compromised_key_verifies_nothing(ada, login: Login) -> None:
    token = login()["access"]
    kid = SigningKey.objects.get(state="active").kid
    signing_key_kill(kid=kid)
    refused(token, event="retired_kid")
    assert kid not in [key["kid"] for key in APIClient().get("/.well-known/jwks.json").json()["keys"]]


def test_attack_30_forged_with_a_retired_private_key(good) -> None:
    stolen = ring.signer()
    token = forge.signed(forge.header(), good, key=stolen.key)
    accepted(token)
    signing_key_kill(kid=stolen.kid)
    refused(token, event="retired_kid")
    assert SecurityEvent.objects.get(kind="retired_kid").severity == "high"


@pytest.mark.parametrize("size", [9_000, 1_000_000])
def test_attack_31_oversize_tokens(good, size) -> None:
    token = forge.signed(forge.header(), {**good, "scope": "x" * size})
    started = time.perf_counter()
    with pytest.raises(TokenInvalid):
        verify(token)
    assert time.perf_counter() - started < 0.5  # refused by its length, before any of it is decoded
    refused(token, event="oversize")


@pytest.mark.parametrize(
    "payload", [b"[" * 100_000, b'{"exp":' + b"9" * 1_000_000 + b"}", b'{"a":' * 2000 + b"1" + b"}" * 2000]
)
def test_attack_31_absurd_json(payload) -> None:
    refused(forge.signed(forge.header(), payload[:5000]))
    for address in ("token", "token/refresh"):
        answer = APIClient().post(f"/api/v1/auth/{address}", payload, content_type="application/json")
        assert answer.status_code == 400


def test_attack_31_compressed_bodies_are_not_unpacked(db) -> None:
    import gzip

    answer = APIClient().post(
        "/api/v1/auth/token",
        gzip.compress(b"0" * 10_000_000),
        content_type="application/json",
        headers={"Content-Encoding": "gzip"},
    )
    assert answer.status_code == 400


def test_attack_32_a_denied_token_cannot_be_dressed_up(api, ada, login: Login, good) -> None:
    pair = login()
    claims = jwt.decode(pair["access"], options={"verify_signature": False})
    api.post("/api/v1/auth/logout", headers=auth(pair))
    refused(pair["access"], event="revoked")
    for changes in ({"sid": claims["sid"].upper()}, {"sid": "{" + claims["sid"] + "}"}):
        refused(forge.signed(forge.header(), {**claims, **changes}), event="malleated")
    for name in ("sid", "jti"):
        refused(forge.signed(forge.header(), {key: value for key, value in claims.items() if key != name}))
    refused(forge.signed(forge.header(), {**claims, "jti": claims["jti"].swapcase()}), event="revoked")


def test_attack_56_jwks_holds_public_members_only(db) -> None:
    signing_keys_rotate()
    keys = APIClient().get("/.well-known/jwks.json").json()["keys"]
    assert len(keys) == 3  # pending, active, retiring
    assert {frozenset(key) for key in keys} == {frozenset({"kty", "n", "e", "kid", "use", "alg"})}


def test_attack_56_jwks_answers_head_and_options(db) -> None:
    api = APIClient()
    etag = api.get("/.well-known/jwks.json")["ETag"]
    assert api.head("/.well-known/jwks.json")["ETag"] == etag
    assert api.options("/.well-known/jwks.json").status_code == 200
    assert api.post("/.well-known/jwks.json").status_code == 405


@pytest.mark.parametrize("step", [-300, -31, 31, 300])
def test_attack_58_a_stepped_clock_accepts_nothing_early(ada, login: Login, step) -> None:
    token = login()["access"]
    held = ring.current()
    policy = verifier.Policy(issuer="altlas", audience="altlas-api", longest_life=600, skew=30, keys=held.verifying)
    # From the whole second that it was issued in: a clock 31 s behind the end of that second is but 30 s behind.
    issued = jwt.decode(token, options={"verify_signature": False})["iat"]
    moment = issued + step
    if step < -30:
        with pytest.raises(TokenInvalid):
            verifier.verify(token, policy=policy, now=moment)
    else:
        assert verifier.verify(token, policy=policy, now=moment)
    with pytest.raises(TokenInvalid):
        verifier.verify(token, policy=policy, now=issued + 601)
