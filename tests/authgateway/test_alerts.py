"""Serious events reach the operators."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.core import mail
from rest_framework.test import APIClient

from altlas.kernel.alerting.channels import signature
from altlas.kernel.clock import now
from authgateway.conf import conf
from authgateway.models import SecurityEvent, User
from authgateway.services import alerts, security_events
from authgateway.services.security_events import event_record
from tests.authgateway.conftest import Login

pytestmark = pytest.mark.django_db


class Receiver(HTTPServer):
    calls: list[tuple[dict[str, str], bytes]]
    status = 204


@pytest.fixture
def webhook(monkeypatch) -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.calls.append((dict(self.headers), body))
            self.send_response(receiver.status)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    receiver = Receiver(("127.0.0.1", 0), Handler)
    receiver.calls = []
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    monkeypatch.setattr(conf, "alert_webhook", f"http://127.0.0.1:{receiver.server_port}/hook")
    monkeypatch.setattr(conf, "alert_secret", "shared")
    yield receiver
    receiver.shutdown()
    receiver.server_close()
    thread.join()


def steal(login: Login) -> None:
    token = login()["refresh"]
    post = APIClient().post
    second = post("/api/v1/auth/token/refresh", {"refresh": token}).json()["refresh"]
    post("/api/v1/auth/token/refresh", {"refresh": second})
    post("/api/v1/auth/token/refresh", {"refresh": token})


def test_reuse_is_told_by_mail_and_webhook_once(ada: User, login: Login, webhook: Receiver, monkeypatch) -> None:
    monkeypatch.setattr(conf, "alert_emails", ("security@example.org",))
    steal(login)
    assert alerts.alerts_send() == 1
    assert alerts.alerts_send() == 0
    headers, body = webhook.calls[0]
    event = json.loads(body)["events"][0]
    assert (event["kind"], event["user"]) == ("stale_lineage", "ada")
    stamp = int(headers["X-Altlas-Signature"].split(",")[0].removeprefix("t="))
    assert headers["X-Altlas-Signature"] == signature(body, moment=stamp, secret="shared")
    assert len(mail.outbox) == 1
    assert "stale_lineage" in mail.outbox[0].subject


def test_a_failed_webhook_is_tried_again(webhook: Receiver) -> None:
    event_record(kind="refresh_reuse", severity="high")
    webhook.status = 500
    assert alerts.alerts_send() == 0
    webhook.status = 204
    assert alerts.alerts_send() == 1
    assert len(webhook.calls) == 2


def test_many_events_are_one_mail(monkeypatch) -> None:
    monkeypatch.setattr(conf, "alert_emails", ("security@example.org",))
    for _ in range(30):
        event_record(kind="refresh_reuse", severity="high")
    alerts.alerts_send()
    assert len(mail.outbox) == 1


def test_attack_54_a_flood_of_one_kind_is_one_alert(webhook: Receiver, monkeypatch) -> None:
    moment = now()
    monkeypatch.setattr(security_events, "now", lambda: moment)  # within five minutes of the clock
    for _ in range(1000):
        event_record(kind="alg_confusion", severity="high", aggregate="203.0.113.0/24")
    assert alerts.alerts_send() == 1
    assert json.loads(webhook.calls[0][1])["events"][0]["count"] == 1000
    assert SecurityEvent.objects.count() == 1


def test_nothing_is_marked_as_told_when_nobody_is_to_be_told() -> None:
    event_record(kind="refresh_reuse", severity="high")
    assert alerts.alerts_send() == 0
    assert SecurityEvent.objects.get().alerted_at is None


@pytest.mark.django_db(transaction=True)
def test_the_answer_does_not_depend_on_the_broker(login: Login, webhook: Receiver, monkeypatch) -> None:
    from altlas.kernel.errors import Unavailable
    from authgateway.testing import make_user

    def away(*args: Any, **options: Any) -> None:
        raise Unavailable("the broker is away")

    monkeypatch.setattr(security_events, "enqueue", away)
    make_user("ada")
    token = login()["refresh"]
    post = APIClient().post
    for _ in range(2):
        second = post("/api/v1/auth/token/refresh", {"refresh": token}).json()["refresh"]
    post("/api/v1/auth/token/refresh", {"refresh": second})
    answer = post("/api/v1/auth/token/refresh", {"refresh": token})
    assert answer.json()["code"] == "refresh_reused"
    assert alerts.alerts_send() == 1
