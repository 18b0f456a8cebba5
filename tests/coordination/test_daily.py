"""The daily run at a chosen moment: what changed, what blocks, what is at risk; stored and mailed once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail
from django_celery_beat.models import PeriodicTask

from altlas.coordination.models import DailySummary, Risk, Subscription
from altlas.coordination.rules import Budget, Finding, ItemView, ServiceView, findings
from altlas.coordination.selectors import latest_daily, open_risks
from altlas.coordination.services import daily_run, item_plan, risk_open
from altlas.coordination.statuses import ItemStatus
from altlas.coordination.summary import sparkline
from altlas.kernel.models import Alert, AlertRule
from authgateway.testing import make_user
from tests.coordination.scenario import FixedClock, ended

MONDAY = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)  # 09:30 in Istanbul
DAY = timedelta(days=1)


@pytest.mark.django_db
def test_it_runs_at_half_past_nine_in_the_configured_zone() -> None:
    task = PeriodicTask.objects.get(task="coordination.daily")
    assert task.crontab is not None
    assert (task.crontab.hour, task.crontab.minute, str(task.crontab.timezone)) == ("9", "30", "Europe/Istanbul")


@pytest.mark.django_db
def test_the_next_morning_names_what_turned_red_and_what_changed() -> None:
    ended("archive.walks", "passed", at=MONDAY - DAY, metrics={"missed": 0.0})
    daily_run(clock=FixedClock(MONDAY))
    ended("archive.walks", "failed", at=MONDAY + DAY / 2, reasons=["missed is 3, must be <= 0"], sabotaged=True)

    summary = daily_run(clock=FixedClock(MONDAY + DAY))

    assert summary.day == date(2026, 11, 24)
    assert [run["name"] for run in summary.content["red"]] == ["archive.walks"]
    assert "archive.walks [low] (a drill): missed is 3" in summary.text
    assert "2.2.5 Keyset pagination, forwards and backwards: verified → failing" in summary.text
    assert "archive.walks is red" in summary.text
    assert latest_daily() == summary
    risk = Risk.objects.get(rule="failing archive.walks")
    assert (risk.kind, risk.state, risk.opened_at) == ("blocker", "open", MONDAY + DAY)

    ended("archive.walks", "passed", at=MONDAY + DAY * 1.5, metrics={"missed": 0.0})
    daily_run(clock=FixedClock(MONDAY + 2 * DAY))
    risk.refresh_from_db()
    assert risk.state == "resolved" and risk.resolution


@pytest.mark.django_db
def test_one_red_verification_is_one_blocker_however_many_rows_it_proves() -> None:
    ended("archive.cache", "failed", at=MONDAY, reasons=["stale_answers is 2"])
    daily_run(clock=FixedClock(MONDAY))
    daily_run(clock=FixedClock(MONDAY + DAY))
    assert Risk.objects.filter(rule__startswith="failing").count() == 1


@pytest.mark.django_db
def test_a_missed_date_blocks_until_it_is_moved() -> None:
    item_plan(row="1.2.6", actor="ada", due=date(2026, 11, 20), priority=2)
    daily_run(clock=FixedClock(MONDAY))
    assert "1.2.6 is overdue" in [risk.title for risk in open_risks()]
    item_plan(row="1.2.6", actor="ada", due=date(2026, 12, 20), priority=2)
    daily_run(clock=FixedClock(MONDAY + DAY))
    assert "1.2.6 is overdue" not in [risk.title for risk in open_risks()]


@pytest.mark.django_db
def test_an_alert_that_fires_is_a_risk_until_it_is_over() -> None:
    rule = AlertRule.objects.create(name="disk", severity="critical")
    alert = Alert.objects.create(rule=rule, key="node-1", severity="critical", summary="3 % left")
    daily_run(clock=FixedClock(MONDAY))
    (risk,) = [risk for risk in open_risks() if risk.title == "Alert: disk node-1"]
    assert risk.severity_label == "critical"
    Alert.objects.filter(pk=alert.pk).update(state="resolved", resolved_at=MONDAY)
    daily_run(clock=FixedClock(MONDAY + DAY))
    assert risk.id not in [found.id for found in open_risks()]


@pytest.mark.django_db
def test_a_risk_opened_by_hand_stays_open() -> None:
    risk_open(kind="risk", title="the only expert leaves", severity=3, actor="ada")
    daily_run(clock=FixedClock(MONDAY))
    assert "the only expert leaves" in [risk.title for risk in open_risks()]


@pytest.mark.django_db
def test_the_summary_goes_to_subscribed_staff_once_a_day_in_their_language() -> None:
    for name, staff, language in (("ada", True, "en"), ("bora", True, "tr"), ("eve", False, "en")):
        user = make_user(name, staff=staff, password=None, email=f"{name}@example.org")
        Subscription.objects.create(user=user, language=language)
    silent = make_user("silent", staff=True, password=None)
    Subscription.objects.create(user=silent)

    first = daily_run(clock=FixedClock(MONDAY))
    daily_run(clock=FixedClock(MONDAY + timedelta(hours=1)))

    assert first.mailed_to == 2
    assert sorted(message.to[0] for message in mail.outbox) == ["ada@example.org", "bora@example.org"]
    assert "2026-11-23" in mail.outbox[0].subject
    assert DailySummary.objects.count() == 1


@pytest.mark.django_db
def test_key_figures_carry_the_days_before() -> None:
    for day, value in enumerate((3.0, 1.0, 2.0)):
        ended("archive.latency", "passed", at=MONDAY + day * DAY, metrics={"p99_s": value}, thresholds=THRESHOLDS)
        summary = daily_run(clock=FixedClock(MONDAY + day * DAY + timedelta(hours=1)))
    (figure,) = [one for one in summary.content["figures"] if one["key"] == "archive.latency: p99_s"]
    assert figure["points"] == [3.0, 1.0, 2.0]
    assert sparkline(figure["points"]) == "█▁▅"


THRESHOLDS = [{"metric": "p99_s", "sign": "<=", "limit": 5.0, "unit": " s"}]
TODAY = date(2026, 11, 25)
CALM = Budget(total=0, failed=0, allowed=0.01, least=50)


def titles(found: list[Finding]) -> list[str]:
    return [finding.title for finding in found]


def item(status: ItemStatus, **more: object) -> ItemView:
    return ItemView(**{"row": "1.1.1", "title": "t", "derived": status, "why": "w", "due": None, "done": False, **more})  # type: ignore[arg-type]


def test_stale_evidence_is_a_risk_and_failing_evidence_blocks() -> None:
    found = findings(
        items=[item(ItemStatus.STALE), item(ItemStatus.FAILING, row="1.1.2", red=("segmentation.memory",))],
        services=[],
        budget=CALM,
        today=TODAY,
    )
    assert [(finding.kind, finding.row) for finding in found] == [("blocker", "1.1.2"), ("risk", "1.1.1")]


def test_a_finished_item_cannot_be_overdue() -> None:
    due = date(2026, 11, 1)
    late = findings(items=[item(ItemStatus.IN_PROGRESS, due=due)], services=[], budget=CALM, today=TODAY)
    done = findings(items=[item(ItemStatus.VERIFIED, due=due, done=True)], services=[], budget=CALM, today=TODAY)
    assert titles(late) == ["1.1.1 is overdue"] and done == []


def test_a_service_that_fails_blocks_and_one_that_warns_is_a_risk() -> None:
    services = [
        ServiceView(name="archive", title="Archive", state="failing", reason="gone"),
        ServiceView(name="segmentation", title="Segmentation", state="warning", reason="slow"),
        ServiceView(name="orchestrator", title="Orchestrator", state="ok", reason=""),
    ]
    found = findings(items=[], services=services, budget=CALM, today=TODAY)
    assert [(finding.kind, finding.severity) for finding in found] == [("blocker", 4), ("risk", 2)]


@pytest.mark.parametrize(("total", "failed", "burnt"), [(49, 49, False), (100, 1, False), (100, 2, True)])
def test_the_error_budget_is_burnt_above_its_share_and_only_with_enough_runs(
    total: int, failed: int, burnt: bool
) -> None:
    budget = Budget(total=total, failed=failed, allowed=0.01, least=50)
    assert bool(findings(items=[], services=[], budget=budget, today=TODAY)) is burnt
