"""Owners hear what happens to their accounts."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from rest_framework.test import APIClient

from authgateway.models import User
from authgateway.services import notices
from authgateway.services.machines import api_token_create
from authgateway.services.totp import totp_enrol, totp_remove
from authgateway.testing import PASSWORD, make_user
from tests.authgateway.conftest import Login, auth

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was sent to the broker; the task's work is done at once."""
    found: list[str] = []

    def deliver(name: str, *, args: list[str], **_: Any) -> None:
        found.append(args[1])
        notices.notice_send(user_id=args[0], what=args[1], address=args[2])

    monkeypatch.setattr(notices, "enqueue", deliver)
    return found


@pytest.fixture
def grace() -> User:
    return make_user("grace", email="grace@example.org")


def test_a_changed_password_is_told(grace, told, login: Login, django_capture_on_commit_callbacks) -> None:
    pair = login("grace")
    with django_capture_on_commit_callbacks(execute=True):
        APIClient().post(
            "/api/v1/auth/password",
            {"current_password": PASSWORD, "new_password": "a quite different phrase"},
            headers=auth(pair),
        )
    assert told == ["password"]
    assert mail.outbox[0].to == ["grace@example.org"]
    assert "password was changed" in mail.outbox[0].body
    assert "phrase" not in mail.outbox[0].body


def test_attack_14_the_owner_hears_of_a_stolen_token(
    grace, told, login: Login, django_capture_on_commit_callbacks
) -> None:
    first = login("grace")["refresh"]
    post = APIClient().post
    second = post("/api/v1/auth/token/refresh", {"refresh": first}).json()["refresh"]
    post("/api/v1/auth/token/refresh", {"refresh": second})
    with django_capture_on_commit_callbacks(execute=True):
        post("/api/v1/auth/token/refresh", {"refresh": first}, REMOTE_ADDR="203.0.113.7")
    assert told == ["reuse"]
    assert "203.0.113.7" in mail.outbox[0].body


def test_factors_and_tokens_are_told(grace, told, django_capture_on_commit_callbacks) -> None:
    totp_enrol(user=grace)
    with django_capture_on_commit_callbacks(execute=True):
        totp_remove(user=grace)
        api_token_create(user=grace, name="s", scopes=frozenset({"segment"}), days=1)
    assert told == ["totp_off", "api_token"]
    assert len(mail.outbox) == 2


def test_an_account_without_an_address_is_not_written_to(ada) -> None:
    assert notices.notice_send(user_id=str(ada.pk), what="reuse", address="") is False
    assert mail.outbox == []
