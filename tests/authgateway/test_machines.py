"""Service clients and API tokens."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from altlas.kernel.clock import now
from authgateway import scopes
from authgateway.authentication import verify
from authgateway.conf import conf
from authgateway.models import ApiToken, SecurityEvent, ServiceClient
from authgateway.services.machines import (
    api_token_create,
    service_client_create,
    service_client_renew,
    service_client_revoke,
)
from authgateway.services.sessions import Reason, user_sessions_end
from authgateway.testing import bearer, make_user
from tests.authgateway.conftest import Login, auth

pytestmark = pytest.mark.django_db

TOKEN, ME = "/api/v1/auth/token/client", "/api/v1/auth/me"


@pytest.fixture
def machine() -> tuple[ServiceClient, str]:
    return service_client_create(name="nightly", scopes=frozenset({scopes.SEGMENT, scopes.ARCHIVE_READ}))


def ask(client: ServiceClient, secret: str, **body: Any) -> Any:
    fields = {"grant_type": "client_credentials", "client_id": str(client.pk), "client_secret": secret, **body}
    return APIClient().post(TOKEN, fields)


def me(token: str) -> int:
    return APIClient().get(ME, headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_machine_gets_an_access_token_of_its_scopes(machine) -> None:
    client, secret = machine
    answer = ask(client, secret)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "scope"}
    claims = verify(answer.json()["access_token"])
    assert claims.scopes == {scopes.SEGMENT, scopes.ARCHIVE_READ}
    assert (claims.sub, claims.sid) == (client.user.pk, client.pk)
    assert me(answer.json()["access_token"]) == 200
    client.refresh_from_db()
    assert client.last_used_at is not None
    assert client.last_address == "127.0.0.1"


def test_a_machine_may_ask_for_fewer_scopes_never_for_more(machine) -> None:
    assert ask(*machine, scope="segment").json()["scope"] == "segment"
    answer = ask(*machine, scope="segment models:operate")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "invalid_scope")


def test_the_secret_may_come_by_http_basic_and_forms(machine) -> None:
    client, secret = machine
    basic = base64.b64encode(f"{client.pk}:{secret}".encode()).decode()
    answer = APIClient().post(
        TOKEN,
        "grant_type=client_credentials",
        content_type="application/x-www-form-urlencoded",
        headers={"Authorization": f"Basic {basic}"},
    )
    assert answer.status_code == 200
    for broken in ("!!!", base64.b64encode(b"\xff").decode(), ""):
        answer = APIClient().post(
            TOKEN, {"grant_type": "client_credentials"}, headers={"Authorization": f"Basic {broken}"}
        )
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_client")


def test_every_refusal_of_a_machine_reads_the_same(machine) -> None:
    client, secret = machine
    expired, its_secret = service_client_create(
        name="old", scopes=frozenset({scopes.SEGMENT}), expires_at=now() - timedelta(seconds=1)
    )
    gone, their_secret = service_client_create(name="gone", scopes=frozenset({scopes.SEGMENT}))
    service_client_revoke(client=gone)
    answers = [
        ask(client, "wrong"),
        ask(ServiceClient(), secret),
        ask(expired, its_secret),
        ask(gone, their_secret),
        ask(client, secret, client_id="nonsense"),
    ]
    assert {(answer.status_code, answer.json()["code"], answer.json()["detail"]) for answer in answers} == {
        (401, "invalid_client", "The client id or secret is wrong.")
    }


def test_guessing_secrets_is_limited(machine, monkeypatch) -> None:
    monkeypatch.setattr(conf, "refresh_network_limit", 3)
    assert [ask(machine[0], "wrong").status_code for _ in range(5)] == [401] * 3 + [429] * 2


def test_revoking_a_machine_refuses_its_access_tokens_at_once(machine) -> None:
    client, secret = machine
    token = ask(client, secret).json()["access_token"]
    service_client_revoke(client=client)
    assert me(token) == 401


def test_a_new_secret_ends_the_old_one(machine) -> None:
    client, secret = machine
    token = ask(client, secret).json()["access_token"]
    renewed = service_client_renew(client=client)
    assert ask(client, secret).status_code == 401
    assert me(token) == 401
    assert me(ask(client, renewed).json()["access_token"]) == 200


def test_no_secret_of_a_machine_is_stored(machine) -> None:
    client, secret = machine
    assert secret.removeprefix("alc_").encode() not in bytes(client.secret_hash)
    assert not client.user.has_usable_password()


def test_a_machine_cannot_do_what_needs_a_login(machine) -> None:
    token = ask(*machine).json()["access_token"]
    answer = APIClient().post(
        "/api/v1/auth/api-tokens",
        {"name": "x", "scope": "segment"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.json()["code"] == "step_up_required"


def test_service_clients_are_made_by_command(capsys) -> None:
    call_command("authgateway", "client-add", "robot", "--scope", "segment archive:write")
    said = dict(line.split(": ") for line in capsys.readouterr().out.splitlines())
    client = ServiceClient.objects.get(name="robot")
    assert said["client_id"] == str(client.pk)
    assert ask(client, said["client_secret"]).status_code == 200
    call_command("authgateway", "client-revoke", "robot")
    assert ask(client, said["client_secret"]).status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize("days", ["0", "-1", "1" + "0" * 30])
def test_a_service_client_for_a_time_that_is_none_is_refused(days: str) -> None:
    with pytest.raises(CommandError, match="--days is from 1"):
        call_command("authgateway", "client-add", "robot", "--scope", "segment", "--days", days)
    assert not ServiceClient.objects.exists()


# --- API tokens ----------------------------------------------------------------------------------------------------


def make(headers: dict[str, str], **body: Any) -> Any:
    return APIClient().post("/api/v1/auth/api-tokens", {"name": "script", "scope": "segment", **body}, headers=headers)


def test_a_script_uses_its_token_as_it_is(ada, login: Login) -> None:
    answer = make(auth(login()))
    assert answer.status_code == 201
    token = answer.json()["token"]
    assert me(token) == 200
    body = APIClient().get(ME, headers={"Authorization": f"Bearer {token}"}).json()
    assert (body["username"], body["scopes"]) == ("ada", ["segment"])
    assert APIClient().get("/api/v1/archive/records", headers={"Authorization": f"Bearer {token}"}).status_code == 403
    listed = APIClient().get("/api/v1/auth/api-tokens", headers=auth(login())).json()["results"]
    assert "token" not in listed[0]
    assert listed[0]["last_address"] == "127.0.0.1"


def test_using_a_token_takes_one_statement(ada, django_assert_num_queries) -> None:
    _, token = api_token_create(user=ada, name="s", scopes=frozenset({"segment"}), days=1)
    me(token)
    with django_assert_num_queries(1):
        me(token)


@pytest.mark.parametrize("body", [{"scope": "models:operate"}, {"scope": "no:such"}, {"days": 0}, {"days": 366}])
def test_a_token_cannot_be_made_for_more_than_its_owner_has(ada, login: Login, body) -> None:
    assert make(auth(login()), **body).status_code == 400
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("how", ["revoked", "by rfc 7009", "expired", "logged out everywhere", "owner inactive"])
def test_a_token_that_is_over_is_refused(ada, login: Login, how) -> None:
    headers = auth(login())
    made = make(headers).json()
    if how == "revoked":
        assert APIClient().delete(f"/api/v1/auth/api-tokens/{made['id']}", headers=headers).status_code == 204
    elif how == "by rfc 7009":
        APIClient().post("/api/v1/auth/token/revoke", {"token": made["token"]}, headers=headers)
    elif how == "expired":
        ApiToken.objects.update(expires_at=now())
    elif how == "logged out everywhere":
        user_sessions_end(user=ada, reason=Reason.LOGOUT_ALL)
    else:
        ada.is_active = False
        ada.save()
    assert me(made["token"]) == 401
    if how != "owner inactive":
        asked = {"token": made["token"]}
        answer = APIClient().post("/api/v1/auth/token/introspect", asked, headers=auth(login()))
        assert answer.json() == {"active": False}


def test_a_token_loses_the_scopes_its_owner_loses(login: Login) -> None:
    boss = make_user("boss", superuser=True)
    _, token = api_token_create(user=boss, name="s", scopes=frozenset({scopes.MODELS_OPERATE, "segment"}), days=1)
    boss.is_superuser = False
    boss.save()
    body = APIClient().get(ME, headers={"Authorization": f"Bearer {token}"}).json()
    assert body["scopes"] == ["segment"]


def test_other_peoples_tokens_do_not_exist(ada, login: Login) -> None:
    made = make(auth(login())).json()
    eve = bearer(make_user("eve", password=None))
    assert APIClient().delete(f"/api/v1/auth/api-tokens/{made['id']}", headers=eve).status_code == 404
    assert APIClient().get("/api/v1/auth/api-tokens", headers=eve).json()["results"] == []
    APIClient().post("/api/v1/auth/token/revoke", {"token": made["token"]}, headers=eve)
    assert me(made["token"]) == 200


@pytest.mark.parametrize("token", ["alp_", "alp_" + "x" * 43, "alp_" + "ş" * 43])
def test_guessed_tokens_are_refused(db, token) -> None:
    answer = APIClient().get(ME, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


def test_a_token_is_made_known_once(ada, login: Login) -> None:
    made = make(auth(login())).json()
    assert made["token"].removeprefix("alp_").encode() not in bytes(ApiToken.objects.get().token_hash)
    assert SecurityEvent.objects.filter(kind="api_token_created", user=ada).exists()


def test_introspection_describes_a_token(ada, login: Login) -> None:
    headers = auth(login())
    made = make(headers).json()
    body = APIClient().post("/api/v1/auth/token/introspect", {"token": made["token"]}, headers=headers).json()
    assert (body["active"], body["scope"], body["username"]) == (True, "segment", "ada")
