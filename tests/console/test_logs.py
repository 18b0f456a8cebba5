"""Log lines: who, what, and never a secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from altlas.kernel import log_context, redaction
from altlas.kernel.log_context import ContextFilter
from altlas.kernel.logs import JsonFormatter, TextFormatter
from altlas.kernel.request_id import RequestIdFilter, bound
from authgateway.models import User
from authgateway.testing import make_user

PASSWORD = "canary-Pa55word-4711"


class Lines(io.StringIO):
    def entries(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture(params=["json", "text"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def lines(form: str) -> Iterator[Lines]:
    """Everything that any logger says, from DEBUG on, as the product writes it."""
    found = Lines()
    handler = logging.StreamHandler(found)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter("%(name)s %(message)s"))
    handler.addFilter(RequestIdFilter())
    handler.addFilter(ContextFilter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield found
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.mark.parametrize("form", ["json"], indirect=True)
def test_a_line_says_request_user_task_and_model(lines: Lines) -> None:
    with bound("r-1"), log_context.scope():
        log_context.note(user="u-1", task="segmentation.execute")
        log_context.note(model="all-minilm:1")
        logging.getLogger("x").info("said", extra={"more": 3})
    logging.getLogger("x").info("outside")
    inside, outside = lines.entries()
    assert {**inside, "time": ""} == {
        "time": "",
        "level": "info",
        "logger": "x",
        "request_id": "r-1",
        "message": "said",
        "user": "u-1",
        "task": "segmentation.execute",
        "model": "all-minilm:1",
        "more": 3,
    }
    assert "user" not in outside


@pytest.mark.parametrize("form", ["json"], indirect=True)
def test_a_forged_line_break_stays_inside_its_line(lines: Lines) -> None:
    logging.getLogger("x").warning("user %s", 'a\n{"level": "critical"}')
    assert len(lines.entries()) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["json"], indirect=True)
def test_a_request_with_a_token_is_logged_with_its_user(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    from altlas.kernel import request_id

    monkeypatch.setattr(request_id, "_LOG_REQUESTS", True)
    user = make_user("ada", password=PASSWORD)
    access = APIClient().post("/api/v1/auth/token", {"username": "ada", "password": PASSWORD}).json()["access"]
    APIClient().get("/api/v1/auth/me?q=private", headers={"Authorization": f"Bearer {access}"})
    entry = next(line for line in lines.entries() if line.get("path") == "/api/v1/auth/me")
    assert (entry["user"], entry["status"], entry["method"]) == (str(user.pk), 200, "GET")
    assert "private" not in lines.getvalue()


@pytest.mark.django_db
def test_canary_no_secret_of_a_whole_session_is_in_the_log(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALTLAS_ALERT_SECRET", "canary-webhook-secret-0815")
    redaction.learn([settings.SECRET_KEY])
    make_user("ada", password=PASSWORD)
    client = APIClient()
    client.post("/api/v1/auth/token", {"username": "ada", "password": PASSWORD + "x"})
    pair = client.post("/api/v1/auth/token", {"username": "ada", "password": PASSWORD}).json()
    secrets = [PASSWORD, settings.SECRET_KEY, "canary-webhook-secret-0815", pair["access"], pair["refresh"]]
    again = client.post("/api/v1/auth/token/refresh", {"refresh": pair["refresh"]}).json()
    secrets += [again["access"], again["refresh"]]
    client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {again['access'][:-4]}abcd"})
    log = logging.getLogger("careless")
    log.error("cannot reach postgresql://altlas:canary-db-password@db/altlas with %s", pair["refresh"])
    log.error("headers: %s", {"Authorization": f"Bearer {pair['access']}", "x": settings.SECRET_KEY})
    log.error("body: %s", {"username": "ada", "password": PASSWORD}, extra={"hook": "canary-webhook-secret-0815"})
    try:
        raise ValueError(f"bad token {pair['access']}")
    except ValueError:
        log.exception("while checking")
    assert "cannot reach" in lines.getvalue()
    found = [secret for secret in [*secrets, "canary-db-password"] if secret in lines.getvalue()]
    assert found == []
    assert User.objects.filter(username="ada").exists()
    monkeypatch.undo()
    redaction.learn([settings.SECRET_KEY])


def test_ordinary_words_stay() -> None:
    for line in ("the password was changed", "GET /api/v1/archive/records 200", "secret agent", "key=value"):
        assert redaction.redact(line) == line
