"""The command line."""

from __future__ import annotations

from io import StringIO

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from authgateway.conf import conf
from authgateway.keys import rsa_key
from authgateway.models import SigningKey, User
from authgateway.services import signing_keys
from tests.authgateway.conftest import Login, auth

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue().strip()


def test_the_first_operator_is_created_once() -> None:
    label, user, word, password, *_ = run("operator_ensure").split()
    assert (label, user, word) == ("operator", "admin", "password")
    assert User.objects.get(username="admin").check_password(password)
    assert run("operator_ensure") == "operator  admin  (a new password: manage.py changepassword admin)"


def test_the_first_operator_takes_the_given_name_and_password(monkeypatch) -> None:
    monkeypatch.setattr(conf, "admin_user", "boss")
    monkeypatch.setattr(conf, "admin_password", "given by the installer")
    assert run("operator_ensure") == "operator  boss  password  as in ALTLAS_ADMIN_PASSWORD"
    assert User.objects.get(username="boss").check_password("given by the installer")


def test_production_refuses_a_common_operator_password(monkeypatch, settings) -> None:
    settings.PRODUCTION = True
    monkeypatch.setattr(conf, "admin_password", "password1234")
    with pytest.raises(CommandError, match="refused in production"):
        run("operator_ensure")
    assert not User.objects.exists()


def test_keys_are_rotated_and_the_old_one_still_verifies(ada: User, login: Login) -> None:
    pair = login()
    before = SigningKey.objects.get(state="active").kid
    run("authgateway", "rotate-keys")
    assert SigningKey.objects.get(kid=before).private_sealed is None
    assert APIClient().get("/api/v1/auth/me", headers=auth(pair)).status_code == 200


def test_a_killed_key_is_refused(ada: User, login: Login) -> None:
    pair = login()
    run("authgateway", "kill-key", SigningKey.objects.get(state="active").kid)
    assert APIClient().get("/api/v1/auth/me", headers=auth(pair)).status_code == 401
    assert APIClient().get("/api/v1/auth/me", headers=auth(login())).status_code == 200


def test_no_new_key_has_an_id_that_a_command_takes_for_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    thumbprint, asked = rsa_key.thumbprint, list[str]()

    def dashed_at_first(key: RSAPublicKey) -> str:
        asked.append(thumbprint(key) if asked else "-" + thumbprint(key)[1:])
        return asked[-1]

    monkeypatch.setattr(rsa_key, "thumbprint", dashed_at_first)
    SigningKey.objects.filter(state="pending").delete()
    done = signing_keys.signing_keys_tend()
    kid = SigningKey.objects.get(state="pending").kid
    assert f"published {kid}" in done
    assert len(asked) >= 2 and not kid.startswith("-")


def test_sessions_of_a_user_are_revoked(ada: User, login: Login) -> None:
    pair = login()
    assert run("authgateway", "revoke", "--user", "ada") == "sessions ended: 1"
    assert APIClient().get("/api/v1/auth/me", headers=auth(pair)).status_code == 401
    with pytest.raises(CommandError, match="no user"):
        run("authgateway", "revoke", "--user", "nobody")


def test_schedules_exist_and_an_operators_edit_survives() -> None:
    from django_celery_beat.models import PeriodicTask

    from authgateway.services.provisioning import provision

    row = PeriodicTask.objects.get(task="authgateway.purge")
    row.name, row.enabled = "Nightly purge", False
    row.save()
    provision()
    assert list(PeriodicTask.objects.filter(task="authgateway.purge").values_list("name", "enabled")) == [
        ("Nightly purge", False)
    ]
