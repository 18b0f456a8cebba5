"""Work items: planned, commented, overridden, reopened; and evidence that comes from outside of verifications."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from xml.etree import ElementTree

from django.db import transaction

from altlas.coordination import journal, requirements
from altlas.coordination.exceptions import ItemNotFound, ReasonMissing
from altlas.coordination.models import Comment, Evidence, WorkItem
from altlas.coordination.models.item import Priority
from altlas.coordination.statuses import ItemStatus
from altlas.kernel.clock import now
from altlas.kernel.errors import InvalidInput

# The folder of tests that stands for a test's module name.
_FOLDERS = ("tests/segmentation", "tests/archive", "tests/authgateway", "tests/orchestrator", "tests/coordination")


def item_plan(*, row: str, actor: str, owner: Any = None, due: date | None = None, priority: int) -> WorkItem:
    """Set owner, due date and priority.

    Raises:
        ItemNotFound; InvalidInput: no such priority.
    """
    if priority not in Priority.values:
        raise InvalidInput(f"There is no priority {priority}; choose from {Priority.values}.")
    with transaction.atomic():
        item = _locked(row)
        before = {"owner": str(item.owner or ""), "due": str(item.due or ""), "priority": item.priority}
        item.owner, item.due, item.priority = owner, due, priority
        item.save(update_fields=["owner", "due", "priority"])
        after = {"owner": str(owner or ""), "due": str(due or ""), "priority": priority}
        if before != after:
            journal.note(f"item {row}", "plan", actor=actor, before=before, after=after)
    return item


def item_comment(*, row: str, text: str, actor: str) -> Comment:
    if not text.strip():
        raise InvalidInput("A comment needs text.")
    with transaction.atomic():
        comment = Comment.objects.create(item=_locked(row), text=text.strip(), author=actor)
        journal.note(f"item {row}", "comment", actor=actor)
    return comment


def item_override(*, row: str, status: str, reason: str, actor: str) -> WorkItem:
    """Show ``status`` whatever the evidence says; an empty one goes back to the evidence.

    Raises:
        ItemNotFound, ReasonMissing; InvalidInput: no such status.
    """
    if status and status not in list(ItemStatus):
        raise InvalidInput(f"There is no status {status!r}; choose from {', '.join(ItemStatus)}.")
    if not reason.strip():
        raise ReasonMissing("Say why: an override without a reason is not kept.")
    with transaction.atomic():
        item = _locked(row)
        before = item.override
        item.override, item.override_reason = status, reason.strip() if status else ""
        item.save(update_fields=["override", "override_reason"])
        journal.note(f"item {row}", "override", actor=actor, before=before, after=status, reason=reason.strip())
    return item


def item_reopen(*, row: str, reason: str, actor: str = "") -> WorkItem:
    """Take an override away and say that the item is open again."""
    with transaction.atomic():
        item = _locked(row)
        item.override, item.override_reason = "", ""
        item.reopened_at = now()
        item.priority = max(item.priority, Priority.HIGH)
        item.save(update_fields=["override", "override_reason", "reopened_at", "priority"])
        journal.note(f"item {row}", "reopen", actor=actor, reason=reason)
    return item


def evidence_record(
    *,
    row: str,
    passed: bool,
    actor: str,
    source: str = Evidence.Source.PERSON,
    figure: str = "",
    command: str = "",
    note: str = "",
    at: datetime | None = None,
) -> Evidence:
    """Keep what a person has judged or a test run has shown.

    Raises:
        ItemNotFound; ReasonMissing: a person's judgement says what it rests on.
    """
    if source == Evidence.Source.PERSON and not note.strip():
        raise ReasonMissing("Say what the judgement rests on (--note).")
    with transaction.atomic():
        word = Evidence.objects.create(
            item=_locked(row),
            source=source,
            passed=passed,
            figure=figure[:200],
            command=command[:300],
            note=note.strip(),
            actor=actor,
            at=at or now(),
        )
        journal.note(f"item {row}", "evidence", actor=actor, source=str(source), passed=passed, figure=figure)
    return word


def junit_record(*, xml: str, command: str, actor: str) -> dict[str, str]:
    """Take over a test run (JUnit XML, as pytest writes it): each folder's result proves its rows.

    Returns ``row -> figure``. A folder without tests in the report proves nothing.

    Raises:
        InvalidInput: this is no JUnit report.
    """
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise InvalidInput("The report declares entities; pytest's reports have none.")
    try:
        cases = list(ElementTree.fromstring(xml).iter("testcase"))  # noqa: S314  # declarations are refused above
    except ElementTree.ParseError as exc:
        raise InvalidInput(f"This is no JUnit report: {exc}.") from exc
    recorded = {}
    for folder in _FOLDERS:
        prefix = folder.replace("/", ".") + "."
        of_folder = [case for case in cases if case.get("classname", "").startswith(prefix)]
        if not of_folder:
            continue
        failed = sum(_has(case, ("failure", "error")) for case in of_folder)
        skipped = sum(_has(case, ("skipped",)) for case in of_folder)
        ran = len(of_folder) - skipped
        figure = f"{ran} tests ran, {failed} failed, {skipped} skipped"
        for row in requirements.rows_of_tests(folder):
            evidence_record(
                row=row,
                passed=failed == 0 and ran > 0,
                actor=actor,
                source=Evidence.Source.TESTS,
                figure=figure,
                command=command,
                note=folder,
            )
            recorded[row] = figure
    if not recorded:
        raise InvalidInput("The report has no tests of the services.")
    return recorded


def _has(case: ElementTree.Element, names: Iterable[str]) -> bool:
    return any(case.find(name) is not None for name in names)


def _locked(row: str) -> WorkItem:
    item = WorkItem.objects.select_for_update(of=("self",)).filter(pk=row).first()
    if item is None:
        raise ItemNotFound(f"There is no work item {row!r}.")
    return item
