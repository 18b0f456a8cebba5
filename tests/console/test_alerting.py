"""Alerts: raised once, told over every channel, tried again, silenced, resolved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core import mail
from django.utils.translation import gettext_lazy as _

from altlas.kernel import alerting
from altlas.kernel.alerting import channels, evaluation, rules, services, telling
from altlas.kernel.alerting.conf import conf
from altlas.kernel.clock import now
from altlas.kernel.errors import InvalidInput
from altlas.kernel.models import Alert, AlertDelivery, AlertRule
from tests.support.webhook import Receiver, receiving

pytestmark = pytest.mark.django_db


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving() as receiver:
        monkeypatch.setattr(conf, "webhook", receiver.url)
        monkeypatch.setattr(conf, "secret", "shared")
        yield receiver


@pytest.fixture(autouse=True)
def rule(monkeypatch: pytest.MonkeyPatch) -> str:
    found = rules.Rule(name="test_heat", title=_("Too hot"), severity="critical", threshold=40.0)
    monkeypatch.setitem(rules._rules, found.name, found)
    return found.name


def told(receiver: Receiver) -> list[dict[str, object]]:
    return [alert for _, body in receiver.calls for alert in json.loads(body)["alerts"]]


def test_the_same_trouble_is_one_alert_that_counts(rule: str) -> None:
    for degrees in (41, 42, 43):
        alerting.raise_alert(rule, key="oven", summary=f"{degrees} °C")
    alert = Alert.objects.get(rule_id=rule)
    assert (alert.count, alert.summary, alert.state) == (3, "43 °C", "firing")
    assert alerting.resolve_alert(rule, key="oven")
    assert not alerting.resolve_alert(rule, key="oven")
    alerting.raise_alert(rule, key="oven")
    assert Alert.objects.filter(rule_id=rule).count() == 2


def test_an_unknown_rule_is_a_defect_of_the_caller() -> None:
    with pytest.raises(KeyError):
        alerting.raise_alert("nobody_declared_this")


def test_begin_and_end_are_told_once_over_both_channels(
    rule: str, webhook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conf, "emails", ("ops@example.org",))
    alerting.raise_alert(rule, key="oven", summary="41 °C")
    assert telling.alerts_send() == 2
    assert telling.alerts_send() == 0
    alerting.resolve_alert(rule, key="oven")
    assert telling.alerts_send() == 2
    assert [(alert["state"], alert["key"]) for alert in told(webhook)] == [("firing", "oven"), ("resolved", "oven")]
    headers, body = webhook.calls[0]
    stamp = int(headers["X-Altlas-Signature"].split(",")[0].removeprefix("t="))
    assert headers["X-Altlas-Signature"] == channels.signature(body, moment=stamp, secret="shared")
    assert [message.subject for message in mail.outbox] == [
        "[ALT_LAS] CRITICAL: Too hot oven",
        "[ALT_LAS] OVER: Too hot oven",
    ]


def test_a_failing_channel_is_tried_again_alone_and_given_up_in_the_end(
    rule: str, webhook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conf, "emails", ("ops@example.org",))
    monkeypatch.setattr(conf, "attempts", 2)
    webhook.status = 500
    alerting.raise_alert(rule)
    assert telling.alerts_send() == 1
    assert telling.alerts_send() == 0  # its pause is not over
    AlertDelivery.objects.update(next_at=now())
    assert telling.alerts_send() == 0
    assert len(webhook.calls) == 2
    assert len(mail.outbox) == 1
    failed = AlertDelivery.objects.get(channel="webhook")
    assert (failed.state, failed.attempts) == ("failed", 2)
    assert "500" in failed.error


def test_a_webhook_that_comes_back_gets_the_message(rule: str, webhook: Receiver) -> None:
    webhook.status = 503
    alerting.raise_alert(rule)
    telling.alerts_send()
    webhook.status = 204
    AlertDelivery.objects.update(next_at=now())
    assert telling.alerts_send() == 1
    assert AlertDelivery.objects.get().state == "sent"


def test_the_pause_doubles_up_to_an_hour() -> None:
    assert [telling.pause(tries) for tries in (0, 1, 2, 30)] == [30.0, 60.0, 120.0, 3600.0]


def test_a_silenced_alert_is_told_when_the_silence_ends_and_it_still_fires(rule: str, webhook: Receiver) -> None:
    silence = services.silence_create(
        rule=rule, key="", until=now() + timedelta(hours=1), reason="rebuilding", actor="ada"
    )
    alerting.raise_alert(rule, key="oven")
    assert telling.alerts_send() == 0
    services.silence_end(silence=silence)
    assert telling.alerts_send() == 1


def test_what_began_and_ended_in_silence_is_never_told(rule: str, webhook: Receiver) -> None:
    silence = services.silence_create(rule=None, key="oven", until=now() + timedelta(hours=1), reason="x", actor="ada")
    alerting.raise_alert(rule, key="oven")
    telling.alerts_send()
    alerting.resolve_alert(rule, key="oven")
    services.silence_end(silence=silence)
    assert telling.alerts_send() == 0
    assert not webhook.calls


def test_a_silence_needs_a_future_and_a_reason(rule: str) -> None:
    with pytest.raises(InvalidInput):
        services.silence_create(rule=rule, key="", until=now() - timedelta(seconds=1), reason="x", actor="ada")
    with pytest.raises(InvalidInput):
        services.silence_create(rule=rule, key="", until=now() + timedelta(hours=1), reason=" ", actor="ada")


def test_a_rule_switched_off_raises_nothing_and_one_not_to_be_told_stays_here(rule: str, webhook: Receiver) -> None:
    row = services.rule_row(rule)
    AlertRule.objects.filter(pk=row.pk).update(enabled=False)
    assert alerting.raise_alert(rule) is None
    AlertRule.objects.filter(pk=row.pk).update(enabled=True, tell=False)
    assert alerting.raise_alert(rule) is not None
    assert telling.alerts_send() == 0


def test_a_probe_raises_what_it_finds_and_resolves_what_it_no_longer_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    heat = {"oven": 41.0, "cellar": 12.0}
    probed = rules.Rule(
        name="test_heat",
        title="Too hot",
        severity="warning",
        threshold=40.0,
        probe=lambda limit: [rules.Finding(key=room) for room, degrees in heat.items() if degrees > (limit or 0)],
    )
    broken = rules.Rule(name="test_broken", title="x", severity="warning", probe=lambda _limit: [][0])
    monkeypatch.setattr(rules, "_rules", {"test_broken": broken, "test_heat": probed})
    assert evaluation.alerts_evaluate() == {"test_heat": 1}
    AlertRule.objects.filter(name="test_heat").update(threshold=10.0)
    evaluation.alerts_evaluate()
    assert Alert.objects.filter(state="firing").count() == 2
    heat["oven"] = 5.0
    evaluation.alerts_evaluate()
    assert list(Alert.objects.filter(state="firing").values_list("key", flat=True)) == ["cellar"]


def test_nothing_is_marked_as_told_while_nobody_is_to_be_told(rule: str) -> None:
    alerting.raise_alert(rule)
    assert telling.alerts_send() == 0
    assert Alert.objects.get().told_at is None


def test_old_resolved_alerts_are_purged_and_firing_ones_stay(rule: str) -> None:
    alerting.raise_alert(rule, key="old")
    alerting.resolve_alert(rule, key="old")
    alerting.raise_alert(rule, key="now")
    Alert.objects.filter(key="old").update(resolved_at=now() - timedelta(days=conf.days + 1))
    assert services.alerts_purge() == 1
    assert Alert.objects.get().key == "now"
