"""Stolen, replayed and raced refresh tokens: rows 14-28, 45-47, 52 and 53 of the attack list."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from rest_framework.test import APIClient

from authgateway.conf import conf
from authgateway.denylist import cache
from authgateway.keys import kek, ring
from authgateway.models import Denial, Family, RefreshToken, SecurityEvent, User
from authgateway.services.rotation import Used, Verdict, judge
from authgateway.testing import PASSWORD, bearer, make_user
from tests.authgateway.conftest import Login, auth

pytestmark = pytest.mark.django_db


def refresh(token: str, **extra: Any) -> Any:
    return APIClient().post("/api/v1/auth/token/refresh", {"refresh": token}, **extra)


def me(pair: dict[str, Any]) -> int:
    return APIClient().get("/api/v1/auth/me", headers=auth(pair)).status_code


def age(seconds: float) -> None:
    """Let every used token have been used this much earlier."""
    for row in RefreshToken.objects.filter(used_at__isnull=False):
        RefreshToken.objects.filter(pk=row.pk).update(used_at=row.used_at - timedelta(seconds=seconds))


def assert_family_dead(reason: str = "reuse") -> None:
    family = Family.objects.get()
    assert family.revoked_reason == reason
    assert Denial.objects.filter(kind="sid", value=str(family.pk)).exists()


def test_attack_14_stolen_token_replayed_after_the_window(ada, login: Login) -> None:
    first = login()
    second = refresh(first["refresh"]).json()
    age(11)
    answer = refresh(first["refresh"], REMOTE_ADDR="203.0.113.7")
    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_reused")
    assert_family_dead()
    assert me(second) == 401
    event = SecurityEvent.objects.get(kind="refresh_reuse")
    assert (event.severity, event.address) == ("high", "203.0.113.7")
    assert event.detail["opened_from"] == "127.0.0.1"


def test_attack_15_grand_parent_inside_the_window(ada, login: Login) -> None:
    first = login()
    refresh(refresh(first["refresh"]).json()["refresh"])
    answer = refresh(first["refresh"])
    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_reused")
    assert_family_dead()
    assert SecurityEvent.objects.filter(kind="stale_lineage", severity="high").exists()


def test_attack_17_a_raced_token_in_reject_mode_keeps_the_family(ada, login: Login, monkeypatch) -> None:
    monkeypatch.setattr(conf, "refresh_mode", "reject")
    first = login()
    winner, loser = refresh(first["refresh"]), refresh(first["refresh"])
    assert (winner.status_code, loser.status_code) == (200, 409)
    assert loser.json()["code"] == "refresh_in_progress"
    assert loser["Retry-After"] == "1"
    assert refresh(winner.json()["refresh"]).status_code == 200


def test_attack_18_strict_mode_has_no_grace(ada, login: Login, monkeypatch) -> None:
    monkeypatch.setattr(conf, "refresh_mode", "strict")
    first = login()
    refresh(first["refresh"])
    assert refresh(first["refresh"]).json()["code"] == "refresh_reused"
    assert refresh(first["refresh"]).json()["code"] == "session_revoked"
    assert_family_dead()
    assert SecurityEvent.objects.filter(kind="refresh_reuse").count() == 1


def test_attack_21_logged_out_token_inside_the_window(ada, login: Login) -> None:
    first = login()
    second = refresh(first["refresh"]).json()
    APIClient().post("/api/v1/auth/logout", headers=auth(second))
    for token in (first["refresh"], second["refresh"]):
        answer = refresh(token)
        assert (answer.status_code, answer.json()["code"]) == (401, "session_revoked")
    event = SecurityEvent.objects.get(kind="revoked_reuse")
    assert event.count == 2


def test_attack_22_fifty_rotations_within_a_second(ada, login: Login, monkeypatch) -> None:
    for replayed in (0, 7, 48):
        Family.objects.all().delete()
        tokens = [login()["refresh"]]
        for _ in range(50):
            tokens.append(refresh(tokens[-1]).json()["refresh"])
        assert refresh(tokens[replayed]).json()["code"] == "refresh_reused"
        assert refresh(tokens[-1]).status_code == 401


def test_attack_23_nothing_is_forgotten_by_a_restart(ada, login: Login) -> None:
    first = login()
    refresh(refresh(first["refresh"]).json()["refresh"])
    ring.reset()
    kek._parse.cache_clear()
    cache.connection().flushdb()
    assert refresh(first["refresh"]).status_code == 401
    assert_family_dead()


def test_attack_24_a_lost_answer_is_answered_again(ada, login: Login) -> None:
    first = login()
    lost = refresh(first["refresh"]).json()
    age(5)
    again = refresh(first["refresh"])
    assert (again.status_code, again.json()["refresh"]) == (200, lost["refresh"])
    assert refresh(lost["refresh"]).status_code == 200


def test_attack_24_a_retry_survives_a_new_key_encryption_key(ada, login: Login, monkeypatch) -> None:
    import secrets

    first = login()
    lost = refresh(first["refresh"]).json()
    old = kek._from_file(kek.engines.HOME.path / "keys" / "kek")
    monkeypatch.setattr(conf, "kek", f"{secrets.token_urlsafe(32)},{old}")
    assert refresh(first["refresh"]).json()["refresh"] == lost["refresh"]


@pytest.mark.django_db(transaction=True)
def test_attack_25_a_verdict_survives_atomic_requests(login: Login) -> None:
    make_user("ada")
    first = login()
    refresh(refresh(first["refresh"]).json()["refresh"])
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        answer = refresh(first["refresh"])
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    assert answer.status_code == 401
    assert_family_dead()
    assert SecurityEvent.objects.filter(kind="stale_lineage").exists()


@pytest.mark.parametrize("how", ["deactivated", "deactivated behind our back", "deleted"])
def test_attack_26_accounts_that_are_gone(ada, login: Login, how) -> None:
    pair = login()
    if how == "deleted":
        ada.delete()
    elif how == "deactivated":
        ada.is_active = False
        ada.save()
    else:
        User.objects.update(is_active=False)
    answer = APIClient().get("/api/v1/auth/me", headers=auth(pair))
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    answer = refresh(pair["refresh"])
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    assert answer.json()["detail"] == "The refresh token is not valid."


def test_attack_27_a_changed_password_ends_the_others(ada, login: Login) -> None:
    others = [login(), login()]
    mine = login()
    changed = APIClient().post(
        "/api/v1/auth/password",
        {"current_password": PASSWORD, "new_password": "a quite different phrase"},
        headers=auth(mine),
    )
    assert [me(pair) for pair in others] == [401, 401]
    assert {refresh(pair["refresh"]).json()["code"] for pair in others} == {"session_revoked"}
    assert me(changed.json()) == 200
    assert SecurityEvent.objects.filter(kind="credential_change", user=ada).exists()


def test_attack_28_a_removed_role_is_gone_at_once(login: Login) -> None:
    boss = make_user("boss", staff=True)
    boss.groups.add(Group.objects.get(name="operators"))
    pair = login("boss")
    scopes = APIClient().get("/api/v1/auth/me", headers=auth(pair)).json()["scopes"]
    assert "models:operate" in scopes
    boss.groups.clear()
    assert me(pair) == 401  # the token that still says so
    fresh = refresh(pair["refresh"]).json()
    assert "models:operate" not in APIClient().get("/api/v1/auth/me", headers=auth(fresh)).json()["scopes"]


def test_attack_28_a_role_taken_by_emptying_the_group(login: Login) -> None:
    boss = make_user("boss", staff=True)
    group = Group.objects.get(name="operators")
    boss.groups.add(group)
    pair = login("boss")
    group.user_set.clear()
    assert me(pair) == 401


def test_attack_45_a_login_always_opens_a_new_family(ada, login: Login) -> None:
    first = login()
    second = login(HTTP_AUTHORIZATION=f"Bearer {first['access']}")
    assert Family.objects.count() == 2
    assert first["refresh"] != second["refresh"]


@pytest.mark.django_db(transaction=True)
def test_attack_46_no_token_in_database_redis_or_logs(login: Login, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    make_user("ada")
    secrets = []
    pair = login()
    for _ in range(3):
        secrets += [pair["access"], pair["refresh"]]
        retry = refresh(pair["refresh"])
        pair = refresh(pair["refresh"]).json()
        assert retry.status_code == 200
    secrets += [pair["access"], pair["refresh"]]
    refresh(secrets[1])
    APIClient().get(f"/api/v1/auth/me?token={'x' * 10}", headers=auth(pair))
    APIClient().post("/api/v1/auth/logout", headers=auth(pair))
    dump = _database() + _redis() + caplog.text
    assert "altlas:deny:" in dump
    for secret in secrets:
        signature = secret.rsplit(".", 1)[-1].removeprefix("alr_")
        assert signature not in dump
        assert signature.encode().hex() not in dump
    assert PASSWORD not in dump


def _database() -> str:
    with connection.cursor() as cursor:
        return "".join(
            str(row[0])
            for table in connection.introspection.table_names(cursor)
            for row in _rows(cursor, f'SELECT t::text FROM "{table}" t')
        )


def _rows(cursor: Any, sql: str) -> list[Any]:
    cursor.execute(sql)
    return list(cursor.fetchall())


def _redis() -> str:
    redis = cache.connection()
    return "".join(
        f"{key.decode()}={redis.get(key) if redis.type(key) == b'string' else ''}" for key in redis.scan_iter()
    )


def test_attack_46_a_refresh_token_in_the_address_is_refused(ada, login: Login) -> None:
    pair = login()
    assert APIClient().get(f"/api/v1/auth/token/refresh?refresh={pair['refresh']}").status_code == 405
    assert APIClient().post(f"/api/v1/auth/token/refresh?refresh={pair['refresh']}", {}).status_code == 400


def test_attack_47_foreign_and_unknown_tokens(ada, login: Login) -> None:
    victim = login()
    eve = bearer(make_user("eve", password=None))
    for token in (victim["access"], victim["refresh"], "alr_" + "x" * 43, "nonsense"):
        answer = APIClient().post("/api/v1/auth/token/introspect", {"token": token}, headers=eve)
        assert (answer.status_code, answer.json()) == (200, {"active": False})
        assert APIClient().post("/api/v1/auth/token/revoke", {"token": token}, headers=eve).status_code == 200
    assert me(victim) == 200
    assert refresh(victim["refresh"]).status_code == 200


def test_attack_48_other_peoples_sessions_do_not_exist(ada, login: Login) -> None:
    victim = login()
    eve = bearer(make_user("eve", password=None))
    address = f"/api/v1/auth/sessions/{Family.objects.get(user=ada).pk}"
    answer = APIClient().delete(address, headers=eve)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert me(victim) == 200
    found = APIClient().get("/api/v1/auth/sessions", headers=eve).json()["results"]
    assert len(found) <= 1
    assert SecurityEvent.objects.filter(kind="idor", user__username="eve").exists()


def test_attack_52_idle_and_absolute_limits(ada, login: Login) -> None:
    pair = login()
    leaf = RefreshToken.objects.get(used_at__isnull=True)
    RefreshToken.objects.filter(pk=leaf.pk).update(expires_at=leaf.created_at)
    answer = refresh(pair["refresh"])
    assert (answer.status_code, answer.json()["code"]) == (401, "session_expired")
    assert RefreshToken.objects.get().used_at is None


def test_attack_52_daily_refreshing_does_not_outlive_the_absolute_limit(ada, login: Login) -> None:
    token = login()["refresh"]
    for day in range(1, 32):
        past = timedelta(days=1)
        for family in Family.objects.all():
            Family.objects.update(absolute_expires_at=family.absolute_expires_at - past)
        for row in RefreshToken.objects.filter(used_at__isnull=True):
            RefreshToken.objects.filter(pk=row.pk).update(expires_at=row.expires_at - past)
        answer = refresh(token)
        if day >= 30:
            assert (answer.status_code, answer.json()["code"]) == (401, "session_expired")
            return
        assert answer.status_code == 200
        token = answer.json()["refresh"]


def test_attack_53_floods_of_logins_keep_a_bounded_number_of_sessions(ada, login: Login, monkeypatch) -> None:
    monkeypatch.setattr(conf, "sessions_per_user", 5)
    pairs = [login() for _ in range(15)]
    assert Family.objects.filter(revoked_at__isnull=True).count() == 5
    assert [me(pair) for pair in pairs] == [401] * 10 + [200] * 5
    assert SecurityEvent.objects.filter(kind="session_revoked", detail__reason="limit").count() == 10


@pytest.mark.parametrize("body", [{"username": "ada", "password": PASSWORD, "is_superuser": True}, [], ["x"] * 10_000])
def test_attack_59_extra_members_and_wrong_shapes(ada, body) -> None:
    answer = APIClient().post("/api/v1/auth/token", body)
    assert answer.status_code == 400
    assert not User.objects.get().is_superuser


@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_attack_59_wrong_media_types(ada, media) -> None:
    answer = APIClient().post("/api/v1/auth/token", b"username=ada&password=x", content_type=media)
    assert answer.status_code == 415


@pytest.mark.parametrize("address", ["token", "token/refresh", "logout", "me"])
def test_attack_60_no_foreign_origin_is_allowed(ada, address) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for answer in (
        APIClient().options(f"/api/v1/auth/{address}", headers=headers),
        APIClient().post(f"/api/v1/auth/{address}", {}, headers=headers),
    ):
        assert "Access-Control-Allow-Origin" not in answer.headers


NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "mode,ago,child_used,has_nonce,verdict",
    [
        ("idempotent", 0, False, True, Verdict.RETRY),
        ("idempotent", 10, False, True, Verdict.RETRY),
        ("idempotent", 10.1, False, True, Verdict.REUSE),
        ("idempotent", 0, False, False, Verdict.REUSE),
        ("idempotent", 0, True, True, Verdict.STALE),
        ("reject", 0, False, True, Verdict.IN_PROGRESS),
        ("reject", 11, False, True, Verdict.REUSE),
        ("reject", 0, True, True, Verdict.STALE),
        ("strict", 0, False, True, Verdict.REUSE),
    ],
)
def test_a_used_token_is_judged(mode, ago, child_used, has_nonce, verdict) -> None:
    used = Used(used_at=NOW - timedelta(seconds=ago), child_used=child_used, has_nonce=has_nonce)
    assert judge(used, mode=mode, grace=timedelta(seconds=10), moment=NOW) is verdict
