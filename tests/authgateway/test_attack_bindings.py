"""Device cookies, cookie mode, DPoP, risk and step-up: rows 19, 43-45 and 49-51 of the attack list."""

from __future__ import annotations

import hmac
import time
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from rest_framework.test import APIClient

from altlas.kernel.clock import now as clock
from authgateway import cookies, risk
from authgateway.binding import digest
from authgateway.denylist import cache
from authgateway.denylist.breaker import Breaker
from authgateway.models import Denial, Family, RefreshToken, SecurityEvent
from authgateway.testing import PASSWORD, bearer, make_user
from tests.authgateway import forge
from tests.authgateway.conftest import Login, auth
from tests.authgateway.forge import ABSENT
from tests.authgateway.prover import Prover

pytestmark = pytest.mark.django_db

TOKEN, REFRESH, ME = "/api/v1/auth/token", "/api/v1/auth/token/refresh", "/api/v1/auth/me"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def log_in(client: APIClient, **extra: Any) -> Any:
    headers = extra.pop("headers", {})
    answer = client.post(TOKEN, {"username": "ada", "password": PASSWORD, **extra}, headers=headers)
    assert answer.status_code == 200, answer.content
    return answer


def assert_ended(reason: str, kind: str) -> None:
    family = Family.objects.get()
    assert family.revoked_reason == reason
    assert Denial.objects.filter(kind="sid", value=str(family.pk)).exists()
    assert SecurityEvent.objects.get(kind=kind).severity == "high"


# --- 19 and the device cookie --------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["", "x" * 43, "another browser's"])
def test_attack_19_a_retry_from_another_device(ada, device) -> None:
    client = APIClient()
    token = log_in(client, bind_device=True).json()["refresh"]
    assert client.post(REFRESH, {"refresh": token}).status_code == 200
    assert client.post(REFRESH, {"refresh": token}).status_code == 200  # the same device may retry
    thief = APIClient()
    if device:
        thief.cookies[cookies.DEVICE] = device
    answer = thief.post(REFRESH, {"refresh": token})
    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_reused")
    assert_ended("device_mismatch", "grace_device_mismatch")


def test_attack_19_a_retry_with_another_key(ada) -> None:
    owner, thief, client = Prover(), Prover(), APIClient()
    token = log_in(client, headers={"DPoP": owner.proof("POST", TOKEN)}).json()["refresh"]
    assert client.post(REFRESH, {"refresh": token}, headers={"DPoP": owner.proof("POST", REFRESH)}).status_code == 200
    answer = client.post(REFRESH, {"refresh": token}, headers={"DPoP": thief.proof("POST", REFRESH)})
    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_reused")
    assert_ended("device_mismatch", "grace_device_mismatch")


def test_attack_19_a_retry_from_another_browser_and_network(ada) -> None:
    client = APIClient(HTTP_USER_AGENT=BROWSER)
    token = log_in(client).json()["refresh"]
    client.post(REFRESH, {"refresh": token})
    answer = client.post(REFRESH, {"refresh": token}, REMOTE_ADDR="203.0.113.9", HTTP_USER_AGENT="curl/8.5.0")
    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_reused")
    assert_ended("reuse", "grace_device_mismatch")


def test_a_stolen_unused_token_is_worthless_without_its_device(ada) -> None:
    token = log_in(APIClient(), bind_device=True).json()["refresh"]
    answer = APIClient().post(REFRESH, {"refresh": token})
    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_reused")
    assert RefreshToken.objects.get().used_at is None
    assert_ended("device_mismatch", "device_mismatch")


def test_only_the_hash_of_the_device_cookie_is_stored(ada) -> None:
    client = APIClient()
    log_in(client, bind_device=True)
    assert bytes(Family.objects.get().device_hash) == digest(client.cookies[cookies.DEVICE].value)


# --- 43-45: cookie mode --------------------------------------------------------------------------------------------


@pytest.fixture
def browser(ada) -> tuple[APIClient, str]:
    """A browser that has logged in with cookies, and its CSRF token."""
    client = APIClient(HTTP_USER_AGENT=BROWSER)
    answer = log_in(client, transport="cookie")
    assert "refresh" not in answer.json()
    return client, answer.json()["csrf"]


def csrf(token: str, **more: str) -> dict[str, str]:
    return {"X-CSRF-Token": token, **more}


def test_cookie_mode_refreshes_and_logs_out(browser) -> None:
    client, token = browser
    before = client.cookies[cookies.REFRESH].value
    answer = client.post(REFRESH, {}, headers=csrf(token))
    assert answer.status_code == 200
    assert client.cookies[cookies.REFRESH].value not in {"", before}
    assert client.get(ME, headers=auth(answer.json())).status_code == 200
    again = client.post(REFRESH, {}, headers=csrf(answer.json()["csrf"]))
    assert again.status_code == 200
    assert client.post("/api/v1/auth/logout", {}, headers=csrf(token)).status_code == 204
    assert client.cookies[cookies.REFRESH].value == ""
    assert Family.objects.get().revoked_reason == "logout"


@pytest.mark.parametrize(
    "attack",
    [
        {"headers": {}},
        {"headers": {"X-CSRF-Token": "guessed"}},
        {"headers": {"X-CSRF-Token": "ş"}},
        {"headers": "right", "origin": "https://evil.example"},
        {"headers": "right", "origin": "null"},
        {"headers": "right", "site": "cross-site"},
        {"headers": "right", "media": "text/plain"},
        {"headers": "right", "media": "application/x-www-form-urlencoded"},
    ],
)
@pytest.mark.parametrize("address", [REFRESH, "/api/v1/auth/logout"])
def test_attack_43_cross_site_posts(browser, attack, address) -> None:
    client, token = browser
    headers = csrf(token) if attack["headers"] == "right" else dict(attack["headers"])
    if "origin" in attack:
        headers["Origin"] = attack["origin"]
    if "site" in attack:
        headers["Sec-Fetch-Site"] = attack["site"]
    body = {"data": "{}", "content_type": attack["media"]} if "media" in attack else {"data": {}}
    answer = client.post(address, **body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    assert RefreshToken.objects.get().used_at is None
    assert Family.objects.get().revoked_at is None


def test_attack_43_get_changes_nothing(browser) -> None:
    client, token = browser
    assert client.get(REFRESH, headers=csrf(token)).status_code == 405
    assert RefreshToken.objects.get().used_at is None


def test_attack_43_our_own_origin_passes(browser) -> None:
    client, token = browser
    assert client.post(REFRESH, {}, headers=csrf(token, Origin="http://testserver")).status_code == 200


def test_attack_43_the_token_of_another_session_does_not_pass(browser) -> None:
    client, _ = browser
    make_user("eve")
    eve = APIClient().post(TOKEN, {"username": "eve", "password": PASSWORD, "transport": "cookie"}).json()
    assert client.post(REFRESH, {}, headers=csrf(eve["csrf"])).status_code == 403


def test_attack_44_attributes_of_the_cookies(browser) -> None:
    client, _ = browser
    for name in (cookies.REFRESH, cookies.DEVICE, cookies.CSRF):
        morsel = client.cookies[name]
        assert name.startswith("__Host-")
        assert morsel["secure"] is True
        assert morsel["samesite"] == "Strict"
        assert morsel["path"] == "/"
        assert morsel["domain"] == ""
        assert bool(morsel["httponly"]) is (name != cookies.CSRF)


@pytest.mark.parametrize("name", [cookies.REFRESH, cookies.DEVICE])
def test_attack_44_a_cookie_that_comes_twice(browser, name) -> None:
    client, token = browser
    sent = "; ".join(f"{key}={morsel.value}" for key, morsel in client.cookies.items())
    answer = APIClient().post(REFRESH, {}, headers={**csrf(token), "Cookie": f"{sent}; {name}=tossed"})
    assert answer.status_code == 401
    assert RefreshToken.objects.get().used_at is None


def test_attack_44_a_cookie_without_the_prefix_is_not_read(browser) -> None:
    client, token = browser
    value = client.cookies[cookies.REFRESH].value
    tossed = APIClient()
    tossed.cookies["altlas-refresh"] = value
    tossed.cookies[cookies.DEVICE] = client.cookies[cookies.DEVICE].value
    assert tossed.post(REFRESH, {}, headers=csrf(token)).status_code == 400


def test_attack_45_a_planted_device_cookie_is_replaced(ada) -> None:
    client = APIClient()
    client.cookies[cookies.DEVICE] = "A" * 43
    log_in(client, bind_device=True)
    assert client.cookies[cookies.DEVICE].value != "A" * 43


def test_attack_45_a_second_login_keeps_the_device_and_opens_a_new_family(ada) -> None:
    client = APIClient()
    first = log_in(client, bind_device=True).json()
    device = client.cookies[cookies.DEVICE].value
    log_in(client, bind_device=True)
    assert client.cookies[cookies.DEVICE].value == device
    assert Family.objects.count() == 2
    assert client.post(REFRESH, {"refresh": first["refresh"]}).status_code == 200


# --- 49 and 50: DPoP -----------------------------------------------------------------------------------------------


@pytest.fixture
def prover() -> Prover:
    return Prover()


@pytest.fixture
def bound(ada, prover) -> dict[str, Any]:
    answer = log_in(APIClient(), headers={"DPoP": prover.proof("POST", TOKEN)}).json()
    assert answer["token_type"] == "DPoP"
    return answer


def test_a_bound_token_passes_with_its_proof(bound, prover) -> None:
    assert APIClient().get(ME, headers=prover.headers("GET", ME, bound["access"])).status_code == 200
    answer = (
        APIClient().post(REFRESH, {"refresh": bound["refresh"]}, headers={"DPoP": prover.proof("POST", REFRESH)}).json()
    )
    assert answer["token_type"] == "DPoP"
    assert APIClient().get(ME, headers=prover.headers("GET", ME, answer["access"])).status_code == 200


def hs256(prover: Prover) -> str:
    proof = prover.proof("GET", ME, head={"alg": "HS256"})
    message = proof.rpartition(".")[0]
    return f"{message}.{forge.b64(hmac.new(b'k', message.encode(), sha256).digest())}"


WRONG: dict[str, Any] = {
    "none": lambda prover, access: "",
    "nonsense": lambda prover, access: "a.b.c",
    "too long": lambda prover, access: prover.proof("GET", ME, access=access, more="x" * 5000),
    "method": lambda prover, access: prover.proof("POST", ME, access=access),
    "address": lambda prover, access: prover.proof("GET", REFRESH, access=access),
    "host": lambda prover, access: prover.proof("GET", ME, access=access, htu="https://testserver" + ME),
    "no ath": lambda prover, access: prover.proof("GET", ME),
    "foreign ath": lambda prover, access: prover.proof("GET", ME, access=access + "x"),
    "old": lambda prover, access: prover.proof("GET", ME, access=access, iat=int(time.time()) - 3600),
    "future": lambda prover, access: prover.proof("GET", ME, access=access, iat=int(time.time()) + 3600),
    "iat as text": lambda prover, access: prover.proof("GET", ME, access=access, iat="now"),
    "no jti": lambda prover, access: prover.proof("GET", ME, access=access, jti=ABSENT),
    "HS256": lambda prover, access: hs256(prover),
    "alg none": lambda prover, access: prover.proof("GET", ME, access=access, head={"alg": "none"}),
    "typ": lambda prover, access: prover.proof("GET", ME, access=access, head={"typ": "JWT"}),
    "private key": lambda prover, access: prover.proof("GET", ME, access=access, head={"jwk": prover.private_jwk}),
    "key as text": lambda prover, access: prover.proof("GET", ME, access=access, head={"jwk": "x"}),
    "not its key": lambda prover, access: prover.proof("GET", ME, access=access, head={"jwk": Prover().jwk}),
    "bad point": lambda prover, access: prover.proof(
        "GET", ME, access=access, head={"jwk": {**prover.jwk, "y": prover.jwk["x"]}}
    ),
}


@pytest.mark.parametrize("how", WRONG)
def test_attack_49_proofs_that_are_not_good(bound, prover, how) -> None:
    headers = {"Authorization": f"DPoP {bound['access']}", "DPoP": WRONG[how](prover, bound["access"])}
    answer = APIClient().get(ME, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_dpop_proof")
    assert SecurityEvent.objects.filter(kind__startswith="dpop_").exists()


@pytest.mark.parametrize("store", ["redis", "database"])
def test_attack_49_a_proof_works_once(bound, prover, store, monkeypatch) -> None:
    if store == "database":
        monkeypatch.setattr(cache, "breaker", Breaker(failures=1, seconds=3600))
        cache.breaker.failed()
    headers = prover.headers("GET", ME, bound["access"])
    assert APIClient().get(ME, headers=headers).status_code == 200
    answer = APIClient().get(ME, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_dpop_proof")


def test_attack_49_a_good_proof_of_another_key(bound) -> None:
    answer = APIClient().get(ME, headers=Prover().headers("GET", ME, bound["access"]))
    assert answer.status_code == 401
    assert SecurityEvent.objects.filter(kind="dpop_other_key", severity="high").exists()


def test_attack_49_a_bad_proof_at_login_opens_nothing(ada, prover) -> None:
    body = {"username": "ada", "password": PASSWORD}
    answer = APIClient().post(TOKEN, body, headers={"DPoP": prover.proof("GET", TOKEN)})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_dpop_proof")
    assert not Family.objects.exists()


def test_attack_50_a_bound_token_as_bearer(bound) -> None:
    answer = APIClient().get(ME, headers=auth(bound))
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    assert SecurityEvent.objects.filter(kind="dpop_downgrade", severity="high").exists()


def test_attack_50_a_bound_refresh_token_without_proof(bound) -> None:
    answer = APIClient().post(REFRESH, {"refresh": bound["refresh"]})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_dpop_proof")
    assert_ended("device_mismatch", "device_mismatch")


def test_attack_50_the_binding_survives_a_step_up(bound, prover) -> None:
    path = "/api/v1/auth/step-up"
    answer = APIClient().post(path, {"password": PASSWORD}, headers=prover.headers("POST", path, bound["access"]))
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
    assert APIClient().get(ME, headers=auth(answer.json())).status_code == 401


def test_introspection_tells_the_key(bound, prover) -> None:
    path = "/api/v1/auth/token/introspect"
    headers = prover.headers("POST", path, bound["access"])
    body = APIClient().post(path, {"token": bound["access"]}, headers=headers).json()
    assert (body["token_type"], set(body["cnf"])) == ("DPoP", {"jkt"})


# --- 51: step-up ---------------------------------------------------------------------------------------------------

SENSITIVE = [
    ("post", "/api/v1/auth/totp", None),
    ("delete", "/api/v1/auth/totp", None),
    ("post", "/api/v1/auth/totp/confirm", {"code": "123456"}),
    ("post", "/api/v1/auth/totp/recovery-codes", None),
    ("post", "/api/v1/auth/api-tokens", {"name": "x", "scope": "segment"}),
]


@pytest.mark.parametrize("method,path,body", SENSITIVE)
def test_attack_51_a_login_too_old_for_sensitive_actions(ada, login: Login, method, path, body) -> None:
    pair = login()
    Family.objects.update(auth_time=clock() - timedelta(hours=1))
    pair = APIClient().post(REFRESH, {"refresh": pair["refresh"]}).json()
    answer = getattr(APIClient(), method)(path, body, headers=auth(pair))
    assert (answer.status_code, answer.json()["code"]) == (401, "step_up_required")
    assert "max_age=900" in answer["WWW-Authenticate"]
    assert SecurityEvent.objects.filter(kind="step_up_required", user=ada).exists()


def test_attack_51_logging_in_again_opens_a_new_session_in_place_of_the_old(ada, login: Login) -> None:
    pair = login()
    Family.objects.update(auth_time=clock() - timedelta(hours=1))
    old = APIClient().post(REFRESH, {"refresh": pair["refresh"]}).json()
    wrong = APIClient().post("/api/v1/auth/step-up", {"password": "wrong"}, headers=auth(old))
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_credentials")
    fresh = APIClient().post("/api/v1/auth/step-up", {"password": PASSWORD}, headers=auth(old)).json()
    assert APIClient().post("/api/v1/auth/totp", headers=auth(fresh)).status_code == 200
    assert APIClient().get(ME, headers=auth(old)).status_code == 401
    assert Family.objects.filter(revoked_reason="step_up").count() == 1


def test_step_up_guesses_are_limited_like_logins(ada, login: Login) -> None:
    headers = auth(login())
    answers = [APIClient().post("/api/v1/auth/step-up", {"password": "x"}, headers=headers) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]


# --- Risk ----------------------------------------------------------------------------------------------------------


def sighting(address: str = "198.51.100.1", agent: str = BROWSER, at: float = 0) -> risk.Sighting:
    return risk.Sighting(address=address, user_agent=agent, at=at)


@pytest.mark.parametrize(
    "after,bound,score",
    [
        (sighting(), False, 0),
        (sighting("198.51.7.1", at=5), False, 0),  # the neighbourhood
        (sighting(agent=BROWSER.replace("140", "141"), at=5), False, 0),  # an update
        (sighting("203.0.113.1", at=3600), False, 20),
        (sighting("203.0.113.1", at=5), False, 30),
        (sighting(agent="curl/8", at=3600), False, 40),
        (sighting("203.0.113.1", "curl/8", at=3600), False, 60),
        (sighting("203.0.113.1", "curl/8", at=5), False, 90),
        (sighting("203.0.113.1", "curl/8", at=5), True, 30),
    ],
)
def test_changes_are_scored(after, bound, score) -> None:
    assert risk.assess(sighting(), after, bound=bound).score == score


def rotate_as(token: str, **extra: Any) -> Any:
    return APIClient().post(REFRESH, {"refresh": token}, **extra)


def earlier(seconds: int) -> None:
    for row in RefreshToken.objects.all():
        RefreshToken.objects.filter(pk=row.pk).update(created_at=row.created_at - timedelta(seconds=seconds))


def test_another_network_is_noted_and_nothing_more(ada, login: Login) -> None:
    token = login(HTTP_USER_AGENT=BROWSER)["refresh"]
    answer = rotate_as(token, HTTP_USER_AGENT=BROWSER, REMOTE_ADDR="203.0.113.1")
    assert answer.status_code == 200
    assert SecurityEvent.objects.get(kind="risk_signal").severity == "low"
    assert Family.objects.get().distrusted_at is None


def test_another_network_and_browser_need_a_new_login_for_sensitive_actions(ada, login: Login) -> None:
    token = login(HTTP_USER_AGENT=BROWSER)["refresh"]
    earlier(3600)
    answer = rotate_as(token, HTTP_USER_AGENT="curl/8", REMOTE_ADDR="203.0.113.1")
    assert answer.status_code == 200
    assert APIClient().get(ME, headers=auth(answer.json())).status_code == 200
    refused = APIClient().post("/api/v1/auth/totp", headers=auth(answer.json()))
    assert refused.json()["code"] == "step_up_required"
    assert SecurityEvent.objects.get(kind="risk_signal").severity == "medium"


def test_an_impossible_change_ends_the_session(ada, login: Login) -> None:
    pair = login(HTTP_USER_AGENT=BROWSER)
    answer = rotate_as(pair["refresh"], HTTP_USER_AGENT="curl/8", REMOTE_ADDR="203.0.113.1")
    assert (answer.status_code, answer.json()["code"]) == (401, "session_revoked")
    assert_ended("risk", "risk_high")
    assert APIClient().get(ME, headers=auth(pair)).status_code == 401


def test_a_token_made_for_tests_has_just_logged_in(ada) -> None:
    assert APIClient().post("/api/v1/auth/totp", headers=bearer(ada)).status_code == 200
