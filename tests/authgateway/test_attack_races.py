"""Parallel use of one refresh token, from several processes: rows 16-18 and 20 of the attack list."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from altlas.kernel.errors import AltlasError
from authgateway.caller import Caller
from authgateway.models import Family, RefreshToken, SecurityEvent, User
from authgateway.services.passwords import password_change
from authgateway.services.revocation import logout
from authgateway.services.rotation import refresh_rotate
from authgateway.services.sessions import Reason, user_sessions_end
from authgateway.testing import PASSWORD, make_user
from tests.authgateway.conftest import Login, auth

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PROCESSES, THREADS = 4, 25
CALLER = Caller(address="127.0.0.1")


def race(token: str, *, mode: str) -> list[tuple[int, str | None, str | None]]:
    """Post ``token`` a hundred times at once from four processes."""
    environment = {
        **os.environ,
        "ALTLAS_REFRESH_MODE": mode,
        # The last of a hundred has its turn when a busy machine has served the others.
        "ALTLAS_REFRESH_GRACE_SECONDS": "60",
        "ALTLAS_DB_STATEMENT_TIMEOUT_MS": "60000",
        "ALTLAS_DB_POOL_MAX": "12",
        "ALTLAS_DB_POOL_MAX_WAITING": "100",
        "ALTLAS_DB_POOL_TIMEOUT": "60",
        "ALTLAS_DB_LOCK_TIMEOUT_MS": "60000",
    }
    command = [sys.executable, "-m", "tests.authgateway.racer", str(connection.settings_dict["NAME"]), str(THREADS)]
    racers = [
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    try:
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline().strip() == "ready"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write(token + "\n")
            racer.stdin.flush()
        return [tuple(answer) for racer in racers for answer in json.loads(racer.communicate(timeout=120)[0])]
    finally:
        for racer in racers:
            racer.kill()
            racer.wait()


def test_attack_16_a_hundred_parallel_uses_get_one_successor(login: Login) -> None:
    make_user("ada")
    answers = race(login()["refresh"], mode="idempotent")
    assert Counter(status for status, _, _ in answers) == {200: 100}
    successors = {successor for _, _, successor in answers}
    assert len(successors) == 1
    assert RefreshToken.objects.filter(used_at__isnull=True).count() == 1
    assert RefreshToken.objects.count() == 2
    answer = APIClient().post("/api/v1/auth/token/refresh", {"refresh": successors.pop()})
    assert answer.status_code == 200


def test_attack_17_a_hundred_parallel_uses_in_reject_mode(login: Login) -> None:
    make_user("ada")
    answers = race(login()["refresh"], mode="reject")
    assert Counter((status, code) for status, code, _ in answers) == {
        (200, None): 1,
        (409, "refresh_in_progress"): 99,
    }
    assert Family.objects.get().revoked_at is None


def test_attack_18_a_hundred_parallel_uses_in_strict_mode(login: Login) -> None:
    make_user("ada")
    answers = race(login()["refresh"], mode="strict")
    found = Counter(status for status, _, _ in answers)
    assert found[200] <= 1
    assert found[401] == 100 - found[200]
    assert Family.objects.get().revoked_reason == "reuse"
    assert SecurityEvent.objects.filter(kind="refresh_reuse").count() == 1


def end_by_logout(pair: dict[str, Any], user: User) -> None:
    from authgateway.authentication import verify

    logout(claims=verify(pair["access"]))


def end_everything(pair: dict[str, Any], user: User) -> None:
    user_sessions_end(user=user, reason=Reason.LOGOUT_ALL)


def end_by_password(pair: dict[str, Any], user: User) -> None:
    user.refresh_from_db()
    password_change(user=user, current=PASSWORD, new=PASSWORD + "!", caller=CALLER)
    user.set_password(PASSWORD)
    user.save()


@pytest.mark.parametrize("end", [end_by_logout, end_everything, end_by_password])
def test_attack_20_no_token_outlives_a_committed_revoke(login: Login, end: Callable[..., None]) -> None:
    user = make_user("ada")
    for _ in range(25):
        pair = login()
        minted: list[Any] = []
        start = threading.Barrier(2)

        def rotate(token: str = pair["refresh"], minted: list[Any] = minted, start: Any = start) -> None:
            start.wait()
            try:
                while True:
                    minted.append(refresh_rotate(token=token, caller=CALLER))
                    token = minted[-1].refresh
            except AltlasError:
                pass
            finally:
                connection.close()

        thread = threading.Thread(target=rotate)
        thread.start()
        start.wait()
        end(pair, user)
        thread.join()
        for later in minted:
            assert APIClient().get("/api/v1/auth/me", headers=auth({"access": later.access})).status_code == 401
        if minted:
            assert APIClient().post("/api/v1/auth/token/refresh", {"refresh": minted[-1].refresh}).status_code == 401
        assert APIClient().get("/api/v1/auth/me", headers=auth(pair)).status_code == 401
