"""The wire shapes and the life of a session, over HTTP."""

from __future__ import annotations

import re

import pytest
from rest_framework.test import APIClient

from authgateway.conf import conf
from authgateway.models import Denial, Family, RefreshToken, User
from authgateway.testing import PASSWORD, bearer, make_user
from tests.authgateway.conftest import Login, auth

pytestmark = pytest.mark.django_db


def refresh(api: APIClient, token: str):
    return api.post("/api/v1/auth/token/refresh", {"refresh": token})


def test_login_answers_with_a_token_pair(api: APIClient, ada: User, login: Login) -> None:
    pair = login()
    assert {"access", "refresh", "token_type", "expires_in"} <= pair.keys()
    assert pair["token_type"] == "Bearer"
    assert 500 < pair["expires_in"] <= 600
    assert re.fullmatch(r"alr_[\w-]{43}", pair["refresh"])


def test_the_access_token_opens_what_it_should(api: APIClient, ada: User, login: Login) -> None:
    answer = api.get("/api/v1/auth/me", headers=auth(login()))
    assert answer.status_code == 200
    assert answer.json()["username"] == "ada"
    assert answer.json()["scopes"] == ["archive:read", "archive:write", "models:infer", "segment"]


def test_nothing_but_a_hash_of_the_refresh_token_is_stored(ada: User, login: Login) -> None:
    pair = login()
    row = RefreshToken.objects.get()
    assert pair["refresh"].encode() not in bytes(row.token_hash)
    assert len(bytes(row.token_hash)) == 32


def test_answers_with_tokens_are_not_cached(api: APIClient, ada: User) -> None:
    answer = api.post("/api/v1/auth/token", {"username": "ada", "password": PASSWORD})
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("username,password", [("ada", "wrong"), ("nobody", PASSWORD), ("idle", PASSWORD)])
def test_a_refused_login_says_the_same_whatever_the_reason(api: APIClient, ada: User, username, password) -> None:
    User.objects.create_user("idle", password=PASSWORD, is_active=False)
    answer = api.post("/api/v1/auth/token", {"username": username, "password": password})
    assert answer.status_code == 401
    body = answer.json()
    assert (body["code"], body["detail"]) == ("invalid_credentials", "The username or password is wrong.")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_refresh_gives_a_new_pair_of_the_same_session(api: APIClient, ada: User, login: Login) -> None:
    first = login()
    answer = refresh(api, first["refresh"])
    assert answer.status_code == 200
    second = answer.json()
    assert second["refresh"] != first["refresh"]
    assert Family.objects.count() == 1
    assert api.get("/api/v1/auth/me", headers=auth(second)).status_code == 200


def test_a_retry_gets_the_same_successor(api: APIClient, ada: User, login: Login) -> None:
    first = login()
    once, twice = refresh(api, first["refresh"]), refresh(api, first["refresh"])
    assert (once.status_code, twice.status_code) == (200, 200)
    assert once.json()["refresh"] == twice.json()["refresh"]
    assert RefreshToken.objects.filter(used_at__isnull=True).count() == 1


def test_reuse_after_the_successor_was_used_ends_the_session(api: APIClient, ada: User, login: Login) -> None:
    first = login()
    second = refresh(api, first["refresh"]).json()
    third = refresh(api, second["refresh"]).json()
    stolen = refresh(api, first["refresh"])
    assert (stolen.status_code, stolen.json()["code"]) == (401, "refresh_reused")
    assert Family.objects.get().revoked_reason == Family.Reason.REUSE
    assert refresh(api, third["refresh"]).json()["code"] == "session_revoked"
    assert api.get("/api/v1/auth/me", headers=auth(third)).status_code == 401


def test_logout_refuses_the_access_token_at_once(api: APIClient, ada: User, login: Login) -> None:
    pair = login()
    assert api.post("/api/v1/auth/logout", headers=auth(pair)).status_code == 204
    answer = api.get("/api/v1/auth/me", headers=auth(pair))
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    assert refresh(api, pair["refresh"]).json()["code"] == "session_revoked"
    assert Denial.objects.get().kind == "sid"


def test_logout_works_with_the_refresh_token_alone(api: APIClient, ada: User, login: Login) -> None:
    pair = login()
    assert api.post("/api/v1/auth/logout", {"refresh": pair["refresh"]}).status_code == 204
    assert api.get("/api/v1/auth/me", headers=auth(pair)).status_code == 401


def test_logout_without_any_token_is_refused(api: APIClient, db: None) -> None:
    assert api.post("/api/v1/auth/logout").status_code == 401


def test_logout_all_ends_every_session(api: APIClient, ada: User, login: Login) -> None:
    pairs = [login(), login(), login()]
    assert api.post("/api/v1/auth/logout-all", headers=auth(pairs[0])).status_code == 204
    assert [api.get("/api/v1/auth/me", headers=auth(pair)).status_code for pair in pairs] == [401, 401, 401]
    assert [refresh(api, pair["refresh"]).status_code for pair in pairs] == [401, 401, 401]


def test_a_login_right_after_logout_all_works(api: APIClient, ada: User, login: Login) -> None:
    api.post("/api/v1/auth/logout-all", headers=auth(login()))
    assert api.get("/api/v1/auth/me", headers=auth(login())).status_code == 200


def test_a_password_change_ends_the_others_and_hands_out_a_new_session(api: APIClient, ada: User, login: Login) -> None:
    other, mine = login(), login()
    answer = api.post(
        "/api/v1/auth/password",
        {"current_password": PASSWORD, "new_password": "a quite different phrase"},
        headers=auth(mine),
    )
    assert answer.status_code == 200
    assert [api.get("/api/v1/auth/me", headers=auth(pair)).status_code for pair in (other, mine)] == [401, 401]
    assert api.get("/api/v1/auth/me", headers=auth(answer.json())).status_code == 200
    login(password="a quite different phrase")


@pytest.mark.parametrize(
    "current,new,pointer",
    [("wrong", "a quite different phrase", "/current_password"), (PASSWORD, "short", "/new_password")],
)
def test_a_password_change_names_what_is_wrong(api, ada, login, current, new, pointer) -> None:
    answer = api.post(
        "/api/v1/auth/password", {"current_password": current, "new_password": new}, headers=auth(login())
    )
    assert answer.status_code == 400
    assert answer.json()["code"] == "password_refused"
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_sessions_are_listed_and_ended_one_by_one(api: APIClient, ada: User, login: Login) -> None:
    api.defaults["HTTP_USER_AGENT"] = "tests/1"
    other = login()
    mine = api.post("/api/v1/auth/token", {"username": "ada", "password": PASSWORD, "device_name": "my laptop"}).json()
    found = api.get("/api/v1/auth/sessions", headers=auth(mine)).json()["results"]
    assert [(row["device_name"], row["current"]) for row in found] == [("my laptop", True), ("", False)]
    assert found[0]["user_agent"] == "tests/1"
    assert found[0]["last_address"] == "127.0.0.1"
    assert api.delete(f"/api/v1/auth/sessions/{found[1]['id']}", headers=auth(mine)).status_code == 204
    assert api.get("/api/v1/auth/me", headers=auth(other)).status_code == 401
    assert len(api.get("/api/v1/auth/sessions", headers=auth(mine)).json()["results"]) == 1


def test_listing_sessions_takes_one_query_more_than_authentication(
    api: APIClient, ada: User, login: Login, monkeypatch, django_assert_num_queries
) -> None:
    monkeypatch.setattr(conf, "key_ring_seconds", 3600)  # read again, the keys would be a third query
    pairs = [login() for _ in range(4)]
    api.get("/api/v1/auth/sessions", headers=auth(pairs[0]))  # key ring and Redis sentinel are warm from here
    with django_assert_num_queries(2):
        api.get("/api/v1/auth/sessions", headers=auth(pairs[0]))


def test_more_sessions_than_allowed_end_the_oldest(api, ada, login, monkeypatch) -> None:
    monkeypatch.setattr(conf, "sessions_per_user", 2)
    pairs = [login() for _ in range(3)]
    assert [api.get("/api/v1/auth/me", headers=auth(pair)).status_code for pair in pairs] == [401, 200, 200]


def test_revoking_a_refresh_token_ends_its_session(api: APIClient, ada: User, login: Login) -> None:
    victim, mine = login(), login()
    answer = api.post("/api/v1/auth/token/revoke", {"token": victim["refresh"]}, headers=auth(mine))
    assert answer.status_code == 200
    assert api.get("/api/v1/auth/me", headers=auth(victim)).status_code == 401


def test_revoking_an_access_token_leaves_its_session(api: APIClient, ada: User, login: Login) -> None:
    victim, mine = login(), login()
    api.post("/api/v1/auth/token/revoke", {"token": victim["access"]}, headers=auth(mine))
    assert api.get("/api/v1/auth/me", headers=auth(victim)).status_code == 401
    assert refresh(api, victim["refresh"]).status_code == 200


def test_introspection_describes_live_tokens(api: APIClient, ada: User, login: Login) -> None:
    pair = login()
    for token, kind in ((pair["access"], "Bearer"), (pair["refresh"], "refresh_token")):
        body = api.post("/api/v1/auth/token/introspect", {"token": token}, headers=auth(pair)).json()
        assert (body["active"], body["token_type"], body["username"]) == (True, kind, "ada")
    api.post("/api/v1/auth/token/introspect", {"token": "x.y.z"}, headers=auth(pair))


def test_introspection_takes_forms_too(api: APIClient, ada: User, login: Login) -> None:
    pair = login()
    answer = api.post(
        "/api/v1/auth/token/introspect",
        f"token={pair['access']}",
        content_type="application/x-www-form-urlencoded",
        headers=auth(pair),
    )
    assert answer.json()["active"] is True


def test_other_peoples_tokens_are_inactive_without_the_audit_scope(api: APIClient, ada: User, login: Login) -> None:
    pair = login()
    auditor = make_user("root", superuser=True, password=None)
    for asker, active in ((bearer(make_user("eve", password=None)), False), (bearer(auditor), True)):
        body = api.post("/api/v1/auth/token/introspect", {"token": pair["access"]}, headers=asker).json()
        assert body["active"] is active


def test_forward_auth_says_who_asks(api: APIClient, ada: User, login: Login) -> None:
    answer = api.get("/api/v1/auth/verify?scope=segment", headers=auth(login()))
    assert answer.status_code == 204
    assert answer["X-Auth-User"] == "ada"
    assert answer["X-Auth-User-Id"] == str(ada.pk)
    assert api.get("/api/v1/auth/verify").status_code == 401
    assert api.get("/api/v1/auth/verify?scope=models:operate", headers=bearer(ada)).status_code == 403


def test_the_published_keys_verify_our_tokens(api: APIClient, ada: User, login: Login) -> None:
    import jwt

    answer = api.get("/.well-known/jwks.json")
    assert answer["Cache-Control"] == "public, max-age=300"
    keys = jwt.PyJWKSet.from_dict(answer.json())
    token = login()["access"]
    kid = jwt.get_unverified_header(token)["kid"]
    claims = jwt.decode(token, keys[kid].key, algorithms=["RS256"], audience="altlas-api", issuer="altlas")
    assert claims["sub"] == str(ada.pk)
    again = api.get("/.well-known/jwks.json", headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
