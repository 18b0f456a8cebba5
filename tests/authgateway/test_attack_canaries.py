"""Secrets of devices, machines and factors are nowhere to be found afterwards: row 46 of the attack list."""

from __future__ import annotations

import logging

import pyotp
import pytest
from rest_framework.test import APIClient

from authgateway import cookies
from authgateway.services.machines import service_client_create
from authgateway.testing import PASSWORD, bearer, make_user
from tests.authgateway.prover import Prover
from tests.authgateway.test_attack_refresh import _database, _redis

API = "/api/v1/auth"


@pytest.mark.django_db(transaction=True)
def test_attack_46_no_secret_of_devices_machines_or_factors_is_kept(caplog) -> None:
    caplog.set_level(logging.DEBUG)
    ada, browser, prover = make_user("ada"), APIClient(), Prover()
    canaries: list[str] = []
    cookie = browser.post(f"{API}/token", {"username": "ada", "password": PASSWORD, "transport": "cookie"}).json()
    canaries += [cookie["csrf"], *(browser.cookies[name].value for name in (cookies.REFRESH, cookies.DEVICE))]
    refreshed = browser.post(f"{API}/token/refresh", {}, headers={"X-CSRF-Token": cookie["csrf"]})
    canaries += [refreshed.json()["access"], browser.cookies[cookies.REFRESH].value]
    proof = prover.proof("POST", f"{API}/token")
    bound = APIClient().post(f"{API}/token", {"username": "ada", "password": PASSWORD}, headers={"DPoP": proof}).json()
    canaries += [proof, bound["access"], bound["refresh"]]
    made = APIClient().post(f"{API}/api-tokens", {"name": "s", "scope": "segment"}, headers=bearer(ada)).json()
    APIClient().get(f"{API}/me", headers={"Authorization": f"Bearer {made['token']}"})
    client, secret = service_client_create(name="robot", scopes=frozenset({"segment"}))
    asked = {"grant_type": "client_credentials", "client_id": str(client.pk), "client_secret": secret}
    machine = APIClient().post(f"{API}/token/client", asked).json()
    canaries += [made["token"], secret, machine["access_token"]]
    headers = bearer(ada)
    totp = APIClient().post(f"{API}/totp", headers=headers).json()["secret"]
    codes = APIClient().post(f"{API}/totp/confirm", {"code": pyotp.TOTP(totp).now()}, headers=headers).json()
    canaries += [totp, *codes["recovery_codes"], *(code.replace("-", "") for code in codes["recovery_codes"])]

    dump = _database() + _redis() + caplog.text
    assert len(canaries) > 30
    for canary in canaries:
        core = canary.rsplit(".", 1)[-1]
        core = core[4:] if core.startswith(("alr_", "alp_", "alc_")) else core
        assert core not in dump
        assert core.encode().hex() not in dump
    assert PASSWORD not in dump
