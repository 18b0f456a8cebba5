"""The life of signing keys."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from rest_framework.test import APIClient

from altlas.kernel.clock import now
from altlas.kernel.env import SettingError
from altlas.kernel.errors import Conflict
from authgateway.conf import conf
from authgateway.exceptions import SigningUnavailable
from authgateway.keys import kek, ring, rsa_key
from authgateway.models import SigningKey
from authgateway.services.signing_keys import (
    signing_key_kill,
    signing_keys_ensure,
    signing_keys_rotate,
    signing_keys_tend,
)
from authgateway.testing import bearer, make_user
from tests.authgateway.conftest import Login, auth

pytestmark = pytest.mark.django_db


def test_keys_are_rsa_3072_and_named_by_their_thumbprint() -> None:
    key = SigningKey.objects.get(state="active")
    public = rsa_key.load_public(key.public_pem)
    jwk = rsa_key.jwk(public)
    canonical = json.dumps({"e": jwk["e"], "kty": "RSA", "n": jwk["n"]}, separators=(",", ":")).encode()
    expected = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
    assert (key.bits, public.key_size, key.kid) == (3072, 3072, expected)


def test_thumbprint_of_the_example_in_rfc_7638() -> None:
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs"
        "tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajr"
        "n1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    assert rsa_key._thumbprint({"e": "AQAB", "kty": "RSA", "n": n}) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_private_half_is_sealed_and_bound_to_its_row() -> None:
    key = SigningKey.objects.get(state="active")
    sealed = bytes(key.private_sealed or b"")
    assert b"PRIVATE" not in sealed
    assert rsa_key.load_private(kek.open_sealed(sealed, kek_id=key.kek_id, context=key.kid))
    with pytest.raises(SigningUnavailable):
        kek.open_sealed(sealed, kek_id=key.kek_id, context="another kid")


def test_a_second_kek_still_opens_what_the_first_sealed(monkeypatch) -> None:
    old, new = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    monkeypatch.setattr(conf, "kek", old)
    sealed, kek_id = kek.seal(b"x", context="c")
    monkeypatch.setattr(conf, "kek", f"{new},{old}")
    assert kek.open_sealed(sealed, kek_id=kek_id, context="c") == b"x"
    assert kek.seal(b"x", context="c")[1] != kek_id
    monkeypatch.setattr(conf, "kek", new)
    with pytest.raises(SigningUnavailable):
        kek.open_sealed(sealed, kek_id=kek_id, context="c")


@pytest.mark.parametrize(
    "text",
    ["short", "A" * 43, "!" * 43, secrets.token_urlsafe(16)],
    ids=["short", "uniform", "no base64", "too few bytes"],
)
def test_weak_keks_are_refused(monkeypatch, text) -> None:
    monkeypatch.setattr(conf, "kek", text)
    with pytest.raises(SettingError, match="ALTLAS_KEK"):
        kek.keks()


def test_production_demands_a_given_kek(settings, monkeypatch) -> None:
    settings.PRODUCTION = True
    monkeypatch.setattr(conf, "kek", "")
    kek._from_file.cache_clear()
    with pytest.raises(SettingError, match="production"):
        kek.keks()
    kek._from_file.cache_clear()


def test_there_is_one_active_key_whatever_happens() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        SigningKey.objects.filter(state="pending").update(state="active", private_sealed=b"")
        SigningKey.objects.create(kid="x", state="active", public_pem="", bits=3072)


def test_leaving_active_erases_the_private_half() -> None:
    before = SigningKey.objects.get(state="active")
    signing_keys_rotate()
    after = SigningKey.objects.get(kid=before.kid)
    assert (after.state, after.private_sealed, after.kek_id) == ("retiring", None, "")


def test_the_next_key_is_published_before_it_signs() -> None:
    signing_keys_tend()
    pending = SigningKey.objects.get(state="pending").kid
    assert pending in [key["kid"] for key in APIClient().get("/.well-known/jwks.json").json()["keys"]]
    assert signing_keys_rotate().kid == pending


def test_tending_rotates_by_age_and_retires_after_the_overlap() -> None:
    signing_keys_tend()
    first = SigningKey.objects.get(state="active")
    first.activated_at = now() - timedelta(seconds=conf.key_active_seconds + 1)
    first.save()
    assert any("rotated" in done for done in signing_keys_tend())
    assert signing_keys_tend() == []
    SigningKey.objects.filter(kid=first.kid).update(retiring_at=now() - timedelta(seconds=929))
    assert signing_keys_tend() == []  # 600 of life + 30 of skew + 300 of caches
    SigningKey.objects.filter(kid=first.kid).update(retiring_at=now() - timedelta(seconds=931))
    assert signing_keys_tend() == [f"retired {first.kid}"]


def test_a_compromised_key_cannot_come_back() -> None:
    kid = SigningKey.objects.get(state="active").kid
    signing_key_kill(kid=kid)
    with pytest.raises(Conflict):
        signing_key_kill(kid=kid)


@pytest.mark.django_db(transaction=True)
def test_a_kill_reaches_a_process_that_is_not_told(login: Login, monkeypatch) -> None:
    """Another process knows only its ring: it is bound by the ring's age, which must be 5 s or less."""
    assert conf.key_ring_seconds <= 5
    make_user("ada")
    pair = login()
    stale = ring.current()
    signing_key_kill(kid=str(stale.active_kid))
    moment = [stale.loaded_at + conf.key_ring_seconds - 0.01]
    monkeypatch.setattr(ring, "monotonic", lambda: moment[0])
    monkeypatch.setattr(ring, "_ring", stale)
    assert APIClient().get("/api/v1/auth/me", headers=auth(pair)).status_code == 200
    moment[0] += 0.02
    assert APIClient().get("/api/v1/auth/me", headers=auth(pair)).status_code == 401


def test_a_key_that_was_replaced_since_the_ring_was_read_is_signed_for_by_its_successor(monkeypatch) -> None:
    """Another process replaces it, and this one has not signed with it yet."""
    ring.current()
    monkeypatch.setattr(ring, "_signer", None)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(ring, "reset", lambda: None)
        successor = signing_keys_rotate()
    assert ring.signer().kid == successor.kid


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_rotation_under_load_fails_no_request(monkeypatch) -> None:
    monkeypatch.setattr(conf, "sessions_per_user", 1000)  # a client that is slow must not be the oldest of twenty
    user = make_user("ada")
    signing_keys_tend()
    outcomes: Counter[int] = Counter()
    stop = threading.Event()

    def load() -> None:
        client = Client()
        while not stop.is_set():
            pair = client.post(
                "/api/v1/auth/token",
                {"username": "ada", "password": "correct horse battery staple"},
                content_type="application/json",
            )
            outcomes[pair.status_code] += 1
            for _ in range(5):
                answer = client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {pair.json()['access']}"})
                outcomes[answer.status_code] += 1
        connection.close()

    workers = [threading.Thread(target=load) for _ in range(4)]
    before = bearer(user)
    for worker in workers:
        worker.start()
    for _ in range(3):
        signing_keys_rotate()
    stop.set()
    for worker in workers:
        worker.join()
    assert set(outcomes) == {200}, outcomes
    assert APIClient().get("/api/v1/auth/me", headers=before).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_parallel_starts_make_one_key(monkeypatch) -> None:
    make = rsa_key.generate

    def slowly() -> Any:
        time.sleep(0.5)
        return make()

    monkeypatch.setattr(rsa_key, "generate", slowly)
    SigningKey.objects.all().delete()
    ring.reset()
    failures: list[BaseException] = []

    def start() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = 100")  # a key takes longer than that
            signing_keys_ensure()
        except BaseException as exc:
            failures.append(exc)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")
            connection.close()

    threads: list[Any] = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert SigningKey.objects.count() == 1
