"""The status of an item from its evidence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from altlas.coordination.evidence import Piece, derive
from altlas.coordination.exceptions import ReasonMissing
from altlas.coordination.models import JournalEntry, VerificationRun, WorkItem
from altlas.coordination.selectors import _together, item_state
from altlas.coordination.services import evidence_record, item_override, item_reopen, junit_record
from altlas.coordination.statuses import ItemStatus
from altlas.kernel.clock import now
from altlas.kernel.errors import InvalidInput
from tests.coordination.scenario import ended

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


def piece(verdict: str, *, hours: float = 1, source: str = "archive.walks") -> Piece:
    return Piece(source=source, verdict=verdict, at=NOW - timedelta(hours=hours))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        ([], "not_started"),
        ([Piece(source="a.b")], "not_started"),
        ([piece("green"), Piece(source="a.b")], "in_progress"),
        ([piece("unclear")], "in_progress"),
        ([piece("green"), piece("green")], "verified"),
        ([piece("green"), piece("red")], "failing"),
        ([piece("green"), piece("green", hours=24 * 8)], "stale"),
        ([piece("red", hours=24 * 80)], "failing"),
    ],
)
def test_the_status_follows_from_the_pieces(pieces: list[Piece], status: str) -> None:
    assert derive(pieces, now=NOW, fresh_for=WEEK).status == status


@pytest.mark.django_db
def test_a_run_moves_the_rows_that_it_proves_and_no_other() -> None:
    ended("archive.walks", "passed", metrics={"missed": 0.0})
    assert item_state("2.2.5").status == "verified"
    assert item_state("2.3.1").status == "not_started"
    assert item_state("2.2.5", now=now() + timedelta(days=8)).status == "stale"
    ended("archive.walks", "failed", reasons=["missed is 3, must be <= 0"])
    state = item_state("2.2.5")
    assert state.status == "failing" and "missed is 3" in state.why


@pytest.mark.django_db
def test_red_under_high_load_is_not_disproved_by_green_under_low_load() -> None:
    ended("archive.walks", "failed", load="high", reasons=["missed"])
    ended("archive.walks", "passed", load="low")
    assert item_state("2.2.5").status == "failing"
    ended("archive.walks", "passed", load="high")
    assert item_state("2.2.5").status == "verified"


@pytest.mark.django_db
def test_all_rows_together_need_every_verification() -> None:
    ended("archive.walks", "passed")
    assert item_state("5.3.1").status == "in_progress"


@pytest.mark.django_db
def test_a_cancelled_run_is_no_evidence() -> None:
    ended("archive.walks", "passed")
    ended("archive.walks", "cancelled")
    assert item_state("2.2.5").status == "verified"


@pytest.mark.django_db
def test_an_override_needs_a_reason_in_the_service_and_in_the_database() -> None:
    with pytest.raises(ReasonMissing):
        item_override(row="2.2.5", status="verified", reason=" ", actor="ada")
    with pytest.raises(InvalidInput):
        item_override(row="2.2.5", status="wonderful", reason="because", actor="ada")
    with pytest.raises(IntegrityError), transaction.atomic():
        WorkItem.objects.filter(pk="2.2.5").update(override="verified")
    item_override(row="2.2.5", status="verified", reason="by hand", actor="ada")
    assert item_state("2.2.5").status == "verified"
    item_reopen(row="2.2.5", reason="it came back")
    assert item_state("2.2.5").status == "not_started"


@pytest.mark.django_db
def test_a_judgement_says_what_it_rests_on() -> None:
    with pytest.raises(ReasonMissing):
        evidence_record(row="1.2.6", passed=True, actor="ada")
    evidence_record(row="1.2.6", passed=True, actor="ada", note="read the change")
    assert item_state("1.2.6").status == "verified"
    evidence_record(row="1.2.6", passed=False, actor="bob", note="found a hole")
    assert item_state("1.2.6").status == "failing"


@pytest.mark.django_db
def test_a_test_report_proves_the_rows_of_its_folders() -> None:
    xml = (
        "<testsuites><testsuite>"
        '<testcase classname="tests.archive.test_search" name="a"/>'
        '<testcase classname="tests.archive.test_walks" name="b"><skipped/></testcase>'
        '<testcase classname="tests.authgateway.test_keys" name="c"><failure/></testcase>'
        "</testsuite></testsuites>"
    )
    recorded = junit_record(xml=xml, command="make test", actor="ci")
    assert recorded["2.1.1"] == "1 tests ran, 0 failed, 1 skipped"
    assert item_state("2.1.1").status == "verified"
    assert item_state("3.4.1").status == "failing"
    assert item_state("1.3.1").status == "not_started"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "xml", ["no xml", "<testsuites/>", '<!DOCTYPE x [<!ENTITY a "b">]><testsuites>&a;</testsuites>']
)
def test_what_is_no_test_report_is_refused_and_leaves_nothing(xml: str) -> None:
    with pytest.raises(InvalidInput):
        junit_record(xml=xml, command="make test", actor="ci")
    assert not JournalEntry.objects.exists()


@pytest.mark.django_db
def test_the_database_keeps_history_and_status_changes() -> None:
    run = ended("archive.walks", "passed")
    with pytest.raises(IntegrityError), transaction.atomic():
        VerificationRun.objects.filter(pk=run.pk).update(status="failed")
    item_reopen(row="2.2.5", reason="x")
    with pytest.raises(IntegrityError), transaction.atomic():
        JournalEntry.objects.update(actor="nobody")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ({"verified"}, "verified"),
        ({"not_started"}, "not_started"),
        ({"verified", "not_started"}, "in_progress"),
        ({"in_progress", "not_started"}, "in_progress"),
        ({"verified", "stale"}, "stale"),
        ({"verified", "stale", "failing", "not_started"}, "failing"),
    ],
)
def test_a_fault_is_as_its_worst_row_and_under_way_once_anything_has_begun(rows: set[str], told: str) -> None:
    assert _together({ItemStatus(row) for row in rows}) == told
