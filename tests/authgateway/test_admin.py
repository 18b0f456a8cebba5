"""The operators' console."""

from __future__ import annotations

import pytest
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from authgateway.models import (
    ApiToken,
    Denial,
    Family,
    LockedAccount,
    RefreshToken,
    SecurityEvent,
    ServiceClient,
    SigningKey,
    TotpDevice,
    User,
)
from authgateway.selectors import locked_accounts
from authgateway.services.machines import api_token_create, service_client_create
from authgateway.testing import PASSWORD, make_user
from tests.authgateway.conftest import Login, auth

pytestmark = pytest.mark.django_db

TABLES = [
    "user",
    "family",
    "refreshtoken",
    "denial",
    "signingkey",
    "securityevent",
    "serviceclient",
    "apitoken",
    "lockedaccount",
]


@pytest.fixture
def operator(client: Client) -> User:
    user = make_user("root", superuser=True)
    client.force_login(user)
    return user


@pytest.mark.parametrize("table", TABLES)
def test_every_table_has_a_list_and_a_form(client, operator, ada, login, table) -> None:
    pair = login()
    login()
    APIClient().post("/api/v1/auth/logout", headers=auth(pair))
    service_client_create(name="nightly", scopes=frozenset({"segment"}))
    api_token_create(user=ada, name="script", scopes=frozenset({"segment"}), days=1)
    for _ in range(6):
        APIClient().post("/api/v1/auth/token", {"username": "ada", "password": "wrong"})
    listing = reverse(f"admin:authgateway_{table}_changelist")
    assert client.get(listing).status_code == 200
    assert client.get(listing, {"q": "ada"}).status_code == 200
    model = {
        "user": User,
        "family": Family,
        "refreshtoken": RefreshToken,
        "denial": Denial,
        "signingkey": SigningKey,
        "securityevent": SecurityEvent,
        "serviceclient": ServiceClient,
        "apitoken": ApiToken,
        "lockedaccount": LockedAccount,
    }[table]
    row = locked_accounts().get() if table == "lockedaccount" else model.objects.first()
    assert client.get(reverse(f"admin:authgateway_{table}_change", args=[quote(row.pk)])).status_code == 200


@pytest.mark.parametrize("table", [table for table in TABLES if table != "user"])
def test_tables_owned_by_services_cannot_be_edited(client, operator, ada, login, table) -> None:
    login()
    assert client.get(reverse(f"admin:authgateway_{table}_add")).status_code == 403


def test_ending_a_session_asks_first_and_needs_a_post(client, operator, ada, login: Login) -> None:
    pair = login()
    family = Family.objects.get()
    address = reverse("admin:authgateway_family_revoke", args=[family.pk])
    asked = client.get(address)
    assert b"End this session?" in asked.content
    assert Family.objects.get().revoked_at is None
    client.post(address, {"_form_submitted": "on"})
    assert Family.objects.get().revoked_reason == Family.Reason.OPERATOR
    assert APIClient().get("/api/v1/auth/me", headers=auth(pair)).status_code == 401
    event = SecurityEvent.objects.get(kind="session_revoked")
    assert (event.actor, event.user) == (operator, ada)


def test_attack_57_selected_sessions_are_ended_together_and_audited(client, operator, ada, login: Login) -> None:
    login(), login()
    chosen = [str(family.pk) for family in Family.objects.all()]
    client.post(
        reverse("admin:authgateway_family_changelist"), {"action": "revoke_selected", "_selected_action": chosen}
    )
    assert not Family.objects.filter(revoked_at__isnull=True).exists()
    assert SecurityEvent.objects.filter(kind="session_revoked", actor=operator).count() == 2


def test_the_key_is_rotated_from_the_console(client, operator) -> None:
    before = SigningKey.objects.get(state="active").kid
    client.post(reverse("admin:authgateway_signingkey_rotate"), {"_form_submitted": "on"})
    assert SigningKey.objects.get(state="active").kid != before
    assert SigningKey.objects.get(kid=before).state == "retiring"


def test_a_denial_is_lifted_from_the_console(client, operator, ada, login: Login) -> None:
    pair = login()
    api = APIClient()
    api.post("/api/v1/auth/token/revoke", {"token": pair["access"]}, headers=auth(pair))
    assert api.get("/api/v1/auth/me", headers=auth(pair)).status_code == 401
    client.post(reverse("admin:authgateway_denial_lift", args=[Denial.objects.get().pk]), {"_form_submitted": "on"})
    assert api.get("/api/v1/auth/me", headers=auth(pair)).status_code == 200


def test_an_operator_sets_a_users_password_and_that_ends_the_sessions(client, operator, ada, login: Login) -> None:
    pair = login()
    address = reverse("admin:auth_user_password_change", args=[ada.pk])
    new = {"password1": "another long phrase", "password2": "another long phrase", "usable_password": "true"}
    assert client.post(address, new).status_code == 302
    assert APIClient().get("/api/v1/auth/me", headers=auth(pair)).status_code == 401
    login(password="another long phrase")


def test_an_operator_adds_a_user(client, operator) -> None:
    new = {
        "username": "grace",
        "password1": "another long phrase",
        "password2": "another long phrase",
        "usable_password": "true",
    }
    assert client.post(reverse("admin:authgateway_user_add"), new).status_code == 302
    assert User.objects.get(username="grace").password.startswith("argon2$argon2id$")


@pytest.mark.parametrize("table,verb", [("family", "revoke"), ("signingkey", "kill"), ("denial", "lift")])
def test_attack_57_staff_who_may_only_look_cannot_act(client, ada, login, table, verb) -> None:
    pair = login()
    APIClient().post("/api/v1/auth/logout", headers=auth(pair))
    staff = make_user("looker", staff=True)
    staff.user_permissions.add(Permission.objects.get(codename=f"view_{table}"))
    client.force_login(staff)
    assert client.get(reverse(f"admin:authgateway_{table}_changelist")).status_code == 200
    row = {"family": Family, "signingkey": SigningKey, "denial": Denial}[table].objects.first()
    answer = client.post(reverse(f"admin:authgateway_{table}_{verb}", args=[row.pk]), {"_form_submitted": "on"})
    assert answer.status_code == 403


def test_attack_57_staff_without_permission_see_nothing(client) -> None:
    client.force_login(make_user("clerk", staff=True))
    for table in TABLES:
        assert client.get(reverse(f"admin:authgateway_{table}_changelist")).status_code == 403


def test_attack_57_no_secret_is_shown_or_searched(client, operator, ada, login: Login) -> None:
    pair = login()
    key = SigningKey.objects.get(state="active")
    pages = [
        client.get(reverse("admin:authgateway_refreshtoken_changelist")),
        client.get(reverse("admin:authgateway_family_change", args=[Family.objects.get().pk])),
        client.get(reverse("admin:authgateway_signingkey_change", args=[key.pk])),
    ]
    digest = bytes(RefreshToken.objects.get().token_hash).hex()
    for page in pages:
        text = page.content.decode()
        assert pair["refresh"] not in text
        assert digest not in text
        assert "private" not in text.lower() or "private_sealed" not in text
    found = client.get(reverse("admin:authgateway_refreshtoken_changelist"), {"q": digest})
    assert b"0 results" in found.content or digest[:8] not in found.content.decode()


def test_a_locked_account_is_shown_and_unlocked(client, operator, ada) -> None:
    def attempt(password: str) -> int:
        return APIClient().post("/api/v1/auth/token", {"username": "ada", "password": password}).status_code

    assert [attempt("wrong") for _ in range(6)] == [401] * 5 + [429]
    assert b"ada" in client.get(reverse("admin:authgateway_lockedaccount_changelist")).content
    client.post(reverse("admin:authgateway_lockedaccount_unlock", args=[ada.pk]), {"_form_submitted": "on"})
    assert not locked_accounts().exists()
    assert SecurityEvent.objects.get(kind="account_unlocked").actor == operator
    assert attempt(PASSWORD) == 200


def test_a_users_timeline_holds_that_users_events_alone(client, operator, ada, login: Login) -> None:
    make_user("eve")
    login(), login("eve")
    answer = client.get(reverse("admin:authgateway_user_timeline", args=[ada.pk]), follow=True)
    assert answer.status_code == 200
    shown = answer.context["cl"].queryset
    assert {event.user for event in shown} == {ada}
    assert "login" in {event.kind for event in shown}


def test_service_clients_are_made_renewed_and_revoked_in_the_console(client, operator) -> None:
    answer = client.post(
        reverse("admin:authgateway_serviceclient_create"),
        {"_form_submitted": "on", "name": "robot", "scopes": ["segment"]},
        follow=True,
    )
    made = ServiceClient.objects.get(name="robot")
    assert b"alc_" in answer.content
    assert b"alc_" not in client.get(reverse("admin:authgateway_serviceclient_changelist")).content
    before = bytes(made.secret_hash)
    client.post(reverse("admin:authgateway_serviceclient_renew", args=[made.pk]), {"_form_submitted": "on"})
    made.refresh_from_db()
    assert bytes(made.secret_hash) != before
    client.post(reverse("admin:authgateway_serviceclient_revoke", args=[made.pk]), {"_form_submitted": "on"})
    made.refresh_from_db()
    assert made.revoked_at is not None
    kinds = SecurityEvent.objects.filter(actor=operator).values_list("kind", flat=True)
    assert {"service_client_created", "service_client_renewed", "service_client_revoked"} <= set(kinds)


def test_an_api_token_is_revoked_in_the_console(client, operator, ada) -> None:
    row, _ = api_token_create(user=ada, name="script", scopes=frozenset({"segment"}), days=1)
    client.post(reverse("admin:authgateway_apitoken_revoke", args=[row.pk]), {"_form_submitted": "on"})
    row.refresh_from_db()
    assert row.revoked_at is not None
    assert SecurityEvent.objects.get(kind="api_token_revoked").actor == operator


def test_an_operator_removes_a_lost_second_factor(client, operator, ada) -> None:
    TotpDevice.objects.create(user=ada, secret_sealed=b"x", kek_id="x")
    client.post(reverse("admin:authgateway_user_remove_factor", args=[ada.pk]), {"_form_submitted": "on"})
    assert not TotpDevice.objects.exists()
    assert SecurityEvent.objects.filter(kind="credential_change", actor=operator, user=ada).exists()
