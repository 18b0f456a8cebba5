"""The second factor: at the API's door and the console's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyotp
import pytest
from django.test import Client
from rest_framework.test import APIClient

from authgateway.keys import kek
from authgateway.models import Family, RecoveryCode, SecurityEvent, TotpDevice, User
from authgateway.services import totp
from authgateway.testing import PASSWORD, bearer, make_user
from tests.authgateway.conftest import Login, auth

pytestmark = pytest.mark.django_db


class App:
    """An authenticator app whose clock goes forward with every code."""

    def __init__(self, secret: str) -> None:
        self.totp = pyotp.TOTP(secret)

    def code(self) -> str:
        # Codes work once and only forward; instead of waiting half a minute, the last step is moved back.
        TotpDevice.objects.update(last_step=0)
        return self.totp.now()


def switch_on(user: User) -> tuple[App, list[str]]:
    headers = bearer(user)
    answer = APIClient().post("/api/v1/auth/totp", headers=headers)
    assert answer.status_code == 200, answer.content
    app = App(answer.json()["secret"])
    assert answer.json()["uri"].startswith("otpauth://totp/ALT_LAS:")
    confirmed = APIClient().post("/api/v1/auth/totp/confirm", {"code": app.code()}, headers=headers)
    assert confirmed.status_code == 200, confirmed.content
    user.refresh_from_db()  # its epoch has moved
    return app, confirmed.json()["recovery_codes"]


def attempt(otp: str | None = None, password: str = PASSWORD) -> Any:
    body = {"username": "ada", "password": password} | ({} if otp is None else {"otp": otp})
    return APIClient().post("/api/v1/auth/token", body)


def test_a_login_needs_password_and_code(ada) -> None:
    app, _ = switch_on(ada)
    missing = attempt()
    assert (missing.status_code, missing.json()["code"]) == (401, "otp_required")
    wrong = attempt("000000" if app.code() != "000000" else "111111")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_credentials")
    assert attempt(app.code(), password="wrong").json()["code"] == "invalid_credentials"
    answer = attempt(app.code())
    assert answer.status_code == 200
    assert Family.objects.order_by("-created_at").first().amr == ["pwd", "otp", "mfa"]


def test_a_wrong_password_does_not_tell_of_the_second_factor(ada) -> None:
    before = attempt(password="wrong").json()
    switch_on(ada)
    after = attempt(password="wrong").json()
    assert (before["code"], before["detail"]) == (after["code"], after["detail"])


def test_a_code_works_once(ada) -> None:
    app, _ = switch_on(ada)
    code = app.code()
    assert [attempt(code).status_code for _ in range(2)] == [200, 401]


def test_an_unconfirmed_secret_is_not_demanded(ada) -> None:
    APIClient().post("/api/v1/auth/totp", headers=bearer(ada))
    assert attempt().status_code == 200


def test_codes_of_yesterday_and_of_another_secret_are_refused(ada) -> None:
    app, _ = switch_on(ada)
    TotpDevice.objects.update(last_step=0)
    from altlas.kernel.clock import now

    assert attempt(app.totp.at(now() - timedelta(days=1))).status_code == 401
    assert attempt(pyotp.TOTP(pyotp.random_base32()).now()).status_code == 401


def test_a_recovery_code_works_once(ada) -> None:
    _, codes = switch_on(ada)
    assert len(set(codes)) == 10
    assert [attempt(codes[0]).status_code for _ in range(2)] == [200, 401]
    assert attempt(codes[1].upper()).status_code == 200
    assert SecurityEvent.objects.filter(kind="credential_change", detail__what="recovery_code_used").count() == 2


def test_new_recovery_codes_replace_the_old(ada) -> None:
    _, codes = switch_on(ada)
    answer = APIClient().post("/api/v1/auth/totp/recovery-codes", headers=bearer(ada))
    assert attempt(codes[0]).status_code == 401
    assert attempt(answer.json()["recovery_codes"][0]).status_code == 200


def test_guessing_codes_is_limited(ada) -> None:
    app, _ = switch_on(ada)
    answers = []
    for _ in range(3):
        answers += [attempt().status_code, attempt("000000").status_code]
    assert answers == [401] * 5 + [429]
    assert attempt(app.code()).status_code == 429


def test_attack_27_switching_it_on_or_off_ends_the_sessions(ada, login: Login) -> None:
    before = login()
    app, _ = switch_on(ada)
    assert APIClient().get("/api/v1/auth/me", headers=auth(before)).status_code == 401
    during = attempt(app.code()).json()
    assert APIClient().delete("/api/v1/auth/totp", headers=bearer(ada)).status_code == 204
    assert APIClient().get("/api/v1/auth/me", headers=auth(during)).status_code == 401
    assert attempt().status_code == 200
    assert not RecoveryCode.objects.exists()


def test_a_second_enrolment_does_not_replace_a_confirmed_one(ada) -> None:
    switch_on(ada)
    answer = APIClient().post("/api/v1/auth/totp", headers=bearer(ada))
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_recovery_codes_need_a_second_factor(ada) -> None:
    assert APIClient().post("/api/v1/auth/totp/recovery-codes", headers=bearer(ada)).status_code == 409


def test_a_wrong_code_does_not_confirm(ada) -> None:
    headers = bearer(ada)
    secret = APIClient().post("/api/v1/auth/totp", headers=headers).json()["secret"]
    wrong = "123456" if pyotp.TOTP(secret).now() != "123456" else "654321"
    answer = APIClient().post("/api/v1/auth/totp/confirm", {"code": wrong}, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/code")
    assert not totp.is_on(ada)


def test_the_secret_is_sealed_and_bound_to_its_user(ada) -> None:
    app, codes = switch_on(ada)
    device = TotpDevice.objects.get()
    assert app.totp.secret.encode() not in bytes(device.secret_sealed)
    with pytest.raises(kek.SigningUnavailable):
        kek.open_sealed(bytes(device.secret_sealed), kek_id=device.kek_id, context="totp:someone else")
    stored = b"".join(bytes(row.code_hash) for row in RecoveryCode.objects.all())
    assert all(code.encode() not in stored for code in codes)


def test_the_console_asks_for_the_code_too(client: Client) -> None:
    boss = make_user("boss", superuser=True)
    app, _ = switch_on(boss)
    page = client.get("/admin/login/")
    assert b'name="otp"' in page.content
    fields = {"username": "boss", "password": PASSWORD}
    refused = client.post("/admin/login/", fields)
    assert refused.status_code == 200
    assert client.post("/admin/login/", {**fields, "otp": "000000"}).status_code == 200
    assert "_auth_user_id" not in client.session
    assert client.post("/admin/login/", {**fields, "otp": app.code()}).status_code == 302
    assert client.session["_auth_user_id"] == str(boss.pk)
