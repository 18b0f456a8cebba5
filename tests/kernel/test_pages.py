"""What only pages need is no part of a request to the API."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def refusal(client: Client, **headers: str) -> str:
    answer = client.post("/api/v1/auth/token", {}, content_type="application/json", headers=headers)
    assert answer.status_code == 400
    return str(answer.json()["errors"][0]["detail"])


def test_errors_of_the_api_are_in_the_language_that_is_asked_for(client: Client) -> None:
    english, turkish = refusal(client), refusal(client, **{"accept-language": "tr"})
    assert english != turkish
    # The same thread has just spoken Turkish.
    assert refusal(client) == english


def test_a_page_before_does_not_leave_its_language_behind(client: Client) -> None:
    english = refusal(client)
    assert client.get("/admin/login/", headers={"accept-language": "tr"}).headers["Content-Language"] == "tr"
    assert refusal(client) == english


def test_a_cookie_of_a_session_means_nothing_to_the_api(client: Client, admin_user: object) -> None:
    client.force_login(admin_user)  # type: ignore[arg-type]
    assert client.get("/admin/").status_code == 200
    answer = client.get("/api/v1/models")
    assert answer.status_code == 401
    assert "Cookie" not in answer.headers.get("Vary", "")
