"""Doors of the console, without a browser."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from altlas.console import sampling
from altlas.console.admin.schedules import next_run
from altlas.kernel import alerting, provisioning, samples, slow_queries
from altlas.kernel.clock import now
from altlas.kernel.models import Alert, AlertRule, AlertSilence, Preference, Sample
from authgateway.models import User
from authgateway.testing import make_user

pytestmark = pytest.mark.django_db
PAGES = (
    "admin:index",
    "console-workbench",
    "admin:kernel_alert_changelist",
    "admin:kernel_alertrule_changelist",
    "admin:kernel_alertsilence_changelist",
    "admin:kernel_alertsilence_add",
    "admin:kernel_taskrecord_changelist",
    "admin:django_celery_beat_periodictask_changelist",
    "admin:django_celery_beat_periodictask_add",
    "admin:django_celery_beat_intervalschedule_changelist",
)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("language", ["en", "tr"])
def test_every_page_opens_in_both_languages_under_the_policy(desk: Client, name: str, language: str) -> None:
    answer = desk.get(reverse(name), headers={"Accept-Language": language})
    assert answer.status_code == 200
    assert answer.headers["Content-Language"] == language
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval';" in policy
    inline = re.findall(r"<script(?![^>]*(?:\bsrc=|application/json))[^>]*>", answer.content.decode())
    assert inline == []


def test_figures_are_for_staff_and_panels_for_those_who_may_see_them(desk: Client) -> None:
    assert Client().get(reverse("console-overview")).status_code == 302
    everything = desk.get(reverse("console-overview")).json()
    assert [card["name"] for card in everything["cards"]] == ["segmentation", "archive", "authgateway", "orchestrator"]
    assert everything["alerts"]["total"] == 0
    assert {entry["state"] for entry in everything["jobs"]["counts"]} >= {"sent", "failed"}
    plain = Client()
    plain.force_login(make_user("plain", staff=True, password=None))
    seen = plain.get(reverse("console-overview")).json()
    assert (seen["alerts"], seen["jobs"], seen["nodes"], seen["slow"]) == (None, None, None, None)
    assert plain.get(reverse("console-workbench")).status_code == 403


def test_an_alert_is_on_the_landing_page_and_can_be_silenced_there(desk: Client) -> None:
    alert = alerting.raise_alert("service_failing", key="archive", summary="the disk is full")
    assert alert is not None
    item = desk.get(reverse("console-overview")).json()["alerts"]["items"][0]
    assert (item["key"], item["severity"], item["silenced"]) == ("archive", "critical", False)
    answer = desk.post(
        reverse("admin:kernel_alertsilence_add"),
        {"rule": "service_failing", "key": "", "until_0": "2099-01-01", "until_1": "00:00", "reason": "rebuilding"},
    )
    assert answer.status_code == 302, answer.content.decode()[:2000]
    assert AlertSilence.objects.get().created_by == "boss"
    assert desk.get(reverse("console-overview")).json()["alerts"]["items"][0]["silenced"]
    desk.post(reverse("admin:kernel_alert_changelist"), {"action": "resolve", "_selected_action": [str(alert.pk)]})
    assert Alert.objects.get().state == "resolved"


def test_samples_become_the_trend_of_a_card(desk: Client) -> None:
    assert sampling.samples_take() > 8
    Sample.objects.update(at=now() - timedelta(hours=2))
    sampling.samples_take()
    cards = {card["name"]: card for card in desk.get(reverse("console-overview")).json()["cards"]}
    assert len(cards["authgateway"]["series"]) == 2


def test_a_series_keeps_the_last_sample_of_each_slot() -> None:
    end = now()
    for minutes, value in ((59, 1.0), (58, 2.0), (1, 3.0)):
        samples.samples_write({"x": value}, at=end - timedelta(minutes=minutes))
    found = samples.series(["x", "y"], hours=1, points=4, until=end)
    assert [value for _, value in found["x"]] == [2.0, 3.0]
    assert found["y"] == []


def test_slow_statements_are_shown_without_values(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_queries.conf, "slow_query_ms", 1)
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.01), %s", ["a canary value"])
    monkeypatch.setattr(slow_queries.conf, "slow_query_ms", 10_000)
    entry = desk.get(reverse("console-overview")).json()["slow"][0]
    assert entry["sql"] == "SELECT pg_sleep(0.01), %s"
    assert "canary" not in json.dumps(slow_queries.latest(50))
    assert entry["seconds"] > 0


def test_the_language_of_an_account_is_kept_and_wins_over_the_browser(desk: Client, boss: User) -> None:
    answer = desk.post(reverse("console-language"), {"language": "tr", "next": "/admin/workbench"})
    assert answer.headers["Location"] == "/admin/workbench"
    assert Preference.objects.get(user_id=boss.pk).language == "tr"
    assert desk.get("/admin/", headers={"Accept-Language": "en"}).headers["Content-Language"] == "tr"
    again = Client()
    again.force_login(boss)
    assert again.get("/admin/", headers={"Accept-Language": "en"}).headers["Content-Language"] == "tr"
    elsewhere = desk.post(reverse("console-language"), {"language": "en", "next": "https://elsewhere.example/"})
    assert elsewhere.headers["Location"] == reverse("admin:index")
    assert translation.get_language() == "en"


def test_what_beat_needs_is_there_after_a_migration_and_an_operators_edit_stays() -> None:
    wanted = {"altlas.alerts_evaluate", "altlas.alerts_send", "altlas.samples_take", "altlas.kernel_purge"}
    assert wanted <= set(PeriodicTask.objects.values_list("task", flat=True))
    PeriodicTask.objects.filter(task="altlas.samples_take").update(name="mine", enabled=False)
    provisioning.provision()
    assert PeriodicTask.objects.get(task="altlas.samples_take").name == "mine"
    assert AlertRule.objects.filter(name="node_lost").exists()


def test_a_dialogs_redirect_moves_the_whole_page(desk: Client) -> None:
    alert = alerting.raise_alert("service_failing", key="archive")
    assert alert is not None
    address = reverse("admin:kernel_alert_silence", args=[alert.pk])
    answer = desk.post(
        address, {"hours": 2, "reason": "rebuilding", "_form_submitted": "on"}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    assert answer.headers["HX-Redirect"] == reverse("admin:kernel_alert_change", args=[alert.pk])
    assert AlertSilence.objects.get().reason == "rebuilding"


def test_the_next_run_of_a_schedule_is_told() -> None:
    moment = now()
    every, _ = IntervalSchedule.objects.get_or_create(every=60, period=IntervalSchedule.SECONDS)
    task = PeriodicTask.objects.create(
        name="t", task="altlas.samples_take", interval=every, last_run_at=moment - timedelta(seconds=20)
    )
    due = next_run(task, moment)
    assert due is not None
    assert 30 < (due - moment).total_seconds() < 45
    daily = CrontabSchedule.objects.create(minute="30", hour="9", timezone="Europe/Istanbul")
    morning = PeriodicTask.objects.create(name="m", task="altlas.samples_take", crontab=daily)
    found = next_run(morning, moment)
    assert found is not None
    assert timedelta() < found - moment <= timedelta(days=1, seconds=5)
    task.enabled = False
    assert next_run(task, moment) is None


@pytest.mark.parametrize(
    ("fields", "told"),
    [({"text": " ", "strategy": "sentence"}, "spaces alone"), ({"text": "a", "strategy": "magic"}, "strategy")],
)
def test_the_workbench_says_clearly_what_is_wrong(desk: Client, fields: dict[str, str], told: str) -> None:
    answer = desk.post(reverse("console-workbench-run"), fields)
    assert answer.status_code in (400, 422)
    assert told in json.dumps(answer.json()).lower()


def test_a_file_that_is_not_utf8_is_refused_by_name(desk: Client) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    answer = desk.post(
        reverse("console-workbench-run"),
        {"strategy": "sentence", "file": SimpleUploadedFile("a.txt", "ığ".encode("iso-8859-9"))},
    )
    assert answer.status_code == 400
    assert "UTF-8" in answer.json()["error"]["detail"]


def test_without_a_node_the_workbench_says_so(desk: Client) -> None:
    answer = desk.post(reverse("console-workbench-run"), {"text": "One. Two.", "strategy": "sentence"})
    assert answer.status_code == 503
    assert "node" in answer.json()["error"]["detail"].lower()
