"""Pages of coordination in the admin, and the verbs on them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from altlas.coordination.models import Comment, Decision, JournalEntry, Risk, Rollout, WorkItem
from altlas.coordination.selectors import fault_summaries, item_state, open_risks
from altlas.coordination.services import daily_run
from authgateway.testing import make_user
from tests.coordination.scenario import ended

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(make_user("boss", superuser=True, password=None))
    return client


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_every_requirement_row_is_an_item_once() -> None:
    summaries = fault_summaries()
    assert [summary.fault for summary in summaries] == ["SEG-042", "ARC-037", "API-089", "AI-023", "COORD"]
    assert [summary.total for summary in summaries] == [18, 23, 21, 21, 16]


def test_the_board_shows_an_item_in_the_column_of_its_status(operator: Client) -> None:
    ended("archive.walks", "failed", reasons=["missed is 3, must be <= 0"])
    page = text(operator.get(reverse("admin:coordination_workitem_board"), {"fault": "ARC-037"}))
    failing = page.split('data-status="failing"', 1)[1].split('data-status="stale"', 1)[0]
    assert "2.2.5" in failing and "missed is 3" in failing
    assert "1.2.1" not in page, "the fault is a filter"


def test_the_board_asks_the_database_the_same_few_questions_however_many_items_there_are(
    operator: Client, django_assert_max_num_queries: Any
) -> None:
    text(operator.get(reverse("admin:coordination_workitem_board")))
    with django_assert_max_num_queries(12):
        text(operator.get(reverse("admin:coordination_workitem_board")))


def test_the_board_is_closed_to_who_may_not_see_items() -> None:
    client = Client()
    client.force_login(make_user("guest", staff=True, password=None))
    assert client.get(reverse("admin:coordination_workitem_board")).status_code == 403
    assert client.get(reverse("admin:coordination_verificationrun_start")).status_code == 403


def test_verbs_on_an_item_need_what_they_need_and_leave_history(operator: Client) -> None:
    def verb(name: str, **data: Any) -> Any:
        return operator.post(reverse("admin:coordination_workitem_verb", args=["1.2.1", name]), data)

    owner = make_user("owner", staff=True, password=None)
    assert verb("plan", owner=owner.pk, due="2026-12-01", priority=3).status_code == 302
    assert verb("comment", text="looks good").status_code == 302
    assert verb("override", status="verified", reason="").status_code == 200, "a reason is demanded"
    assert verb("override", status="verified", reason="measured by hand").status_code == 302
    assert verb("decision", text="keep it", reason="cheap").status_code == 302
    state = item_state("1.2.1")
    assert (state.status, state.derived, state.item.owner) == ("verified", "not_started", owner)
    page = text(operator.get(reverse("admin:coordination_workitem_change", args=["1.2.1"])))
    assert all(word in page for word in ("looks good", "measured by hand", "keep it", "2026-12-01"))
    actions = JournalEntry.objects.filter(subject="item 1.2.1", actor="boss").values_list("action", flat=True)
    assert sorted(actions) == ["comment", "decide", "override", "plan"]
    assert Comment.objects.count() == Decision.objects.count() == 1


def test_a_risk_is_opened_changed_decided_on_and_resolved_with_a_resolution(operator: Client) -> None:
    opened = operator.post(
        reverse("admin:coordination_risk_open"), {"kind": "blocker", "title": "no disk", "severity": 4, "row": "2.2.1"}
    )
    assert opened.status_code == 302
    (risk,) = open_risks()
    assert (risk.title, risk.severity_label, risk.state) == ("no disk", "critical", "open")

    def verb(name: str, **data: Any) -> Any:
        return operator.post(reverse("admin:coordination_risk_verb", args=[risk.id, name]), data)

    assert verb("change", state="mitigating", severity=3).status_code == 302
    assert verb("decision", text="buy one", reason="cheaper than waiting").status_code == 302
    assert verb("resolve", reason="").status_code == 200
    assert verb("resolve", reason="bought").status_code == 302
    assert open_risks() == []
    page = text(operator.get(reverse("admin:coordination_risk_change", args=[risk.id])))
    assert all(word in page for word in ("bought", "buy one", "mitigating"))
    assert Risk.objects.get().item == WorkItem.objects.get(pk="2.2.1")


def test_every_page_of_coordination_opens(operator: Client) -> None:
    run = ended("archive.walks", "passed", metrics={"missed": 0.0})
    daily = daily_run()
    operator.post(reverse("admin:coordination_rollout_create"), {"name": "autumn"})
    rollout = Rollout.objects.get()
    for model in (
        "verificationrun", "workitem", "risk", "decision", "dailysummary", "subscription", "rollout", "journalentry",
    ):  # fmt: skip
        text(operator.get(reverse(f"admin:coordination_{model}_changelist")))
    text(operator.get(reverse("admin:coordination_verificationrun_change", args=[run.pk])))
    text(operator.get(reverse("admin:coordination_verificationrun_batch", args=[run.batch])))
    text(operator.get(reverse("admin:coordination_verificationrun_start")))
    text(operator.get(reverse("admin:coordination_dailysummary_change", args=[daily.pk])))
    text(operator.get(reverse("admin:coordination_rollout_change", args=[rollout.pk])))
    text(operator.get(reverse("admin:coordination_subscription_add")))
