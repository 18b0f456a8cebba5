"""Verbs of the admin: a link to one changes nothing, whoever set it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from altlas.coordination.models import DailySummary
from authgateway.models import SigningKey, User
from authgateway.services.signing_keys import signing_keys_rotate
from orchestrator import services
from tests.archive.scenario import records

pytestmark = pytest.mark.django_db
_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|MERGE|TRUNCATE)\b", re.IGNORECASE)


def verbs() -> list[tuple[Any, str, bool]]:
    """Return (admin of a table, action with an address of its own, whether it is about one row)."""
    found = []
    for kind in admin.site._registry.values():
        named: Any = kind
        for about_one, names in (
            (True, {*getattr(named, "actions_detail", ()), *getattr(named, "actions_row", ())}),
            (False, set(getattr(named, "actions_list", ()))),
        ):
            found += [(named, name, about_one) for name in sorted(names)]
    return found


def test_a_get_of_a_verb_changes_nothing(desk: Client, boss: User, drill: str) -> None:
    records(boss.pk, 1)
    desk.get(reverse("admin:index"))  # the tables are registered with the first address
    assert len(verbs()) > 25
    wrote = []
    for kind, name, about_one in verbs():
        options = kind.model._meta
        row = kind.model._default_manager.first()
        key = UUID(int=0) if row is None else row.pk
        address = reverse(f"admin:{options.app_label}_{options.model_name}_{name}", args=[key] if about_one else [])
        with CaptureQueriesContext(connection) as queries:
            answer = desk.get(address, headers={"Sec-Fetch-Site": "cross-site", "Referer": "http://elsewhere.example/"})
        assert answer.status_code in (200, 302, 404), (address, answer.status_code)
        wrote += [(address, query["sql"][:80]) for query in queries if _WRITES.match(query["sql"])]
    assert wrote == []


@pytest.mark.parametrize("key", ["00000000-0000-0000-0000-000000000000", "999999999999999999999", "garbage", "\x00"])
def test_a_verb_on_a_row_that_there_is_not_finds_nothing(desk: Client, key: str) -> None:
    desk.get(reverse("admin:index"))
    entered = {"_form_submitted": "on", "hours": 2, "reason": "a test"}
    found = {}
    for kind, name, about_one in verbs():
        if about_one and name != "timeline":  # which is a list with a filter
            address = reverse(f"admin:{kind.opts.app_label}_{kind.opts.model_name}_{name}", args=[key])
            found[address] = desk.post(address, entered).status_code
    assert len(found) > 15
    assert {address: status for address, status in found.items() if status != 404} == {}


@pytest.mark.parametrize("key", ["garbage", "\x00", "a\x00b", "9" * 30, "x" * 3000])
def test_a_page_of_any_table_for_a_row_that_there_is_not_is_no_defect(desk: Client, key: str) -> None:
    """Of every table, and whoever wrote the page: Django's own takes the visitor home with a message."""
    desk.raise_request_exception = False
    desk.get(reverse("admin:index"))
    found = {}
    for kind in admin.site._registry.values():
        for page in ("change", "history", "delete"):
            address = reverse(f"admin:{kind.opts.app_label}_{kind.opts.model_name}_{page}", args=[key])
            for ask in (desk.get, desk.post):
                found[ask.__name__, address] = ask(address, follow=False).status_code
    assert len(found) > 100
    assert {address: status for address, status in found.items() if status not in (302, 403, 404)} == {}


@pytest.mark.parametrize("year", ["garbage", "0", "-1", "9" * 30])
def test_a_list_of_a_year_that_there_is_not_is_no_defect(desk: Client, year: str) -> None:
    desk.raise_request_exception = False
    found = {}
    for kind in admin.site._registry.values():
        if kind.date_hierarchy:
            address = reverse(f"admin:{kind.opts.app_label}_{kind.opts.model_name}_changelist")
            for unit in ("year", "month"):
                part = f"{kind.date_hierarchy}__{unit}"
                found[address, unit] = desk.get(address, {part: year}).status_code
    assert len(found) > 5
    assert {page: status for page, status in found.items() if status not in (200, 302, 400)} == {}


@pytest.mark.parametrize("task", ["x" * 300, "\x00", ""])
def test_a_schedule_of_a_task_that_there_cannot_be_is_refused_in_its_form(desk: Client, task: str) -> None:
    desk.raise_request_exception = False
    answer = desk.post(reverse("admin:django_celery_beat_periodictask_add"), {"name": "mine", "task": task})
    assert answer.status_code == 200 and answer.context["errors"]


@pytest.mark.parametrize("key", ["garbage", "\x00", "9" * 30])
def test_an_action_on_selected_rows_that_there_cannot_be_is_refused(desk: Client, boss: User, key: str) -> None:
    desk.raise_request_exception = False
    request = desk.get(reverse("admin:index")).wsgi_request
    found = {}
    for kind in admin.site._registry.values():
        address = reverse(f"admin:{kind.opts.app_label}_{kind.opts.model_name}_changelist")
        for name in kind.get_actions(request):
            body = {"action": name, "_selected_action": key, "index": 0}
            found[address, name] = desk.post(address, body).status_code
    assert len(found) > 10
    assert {verb: status for verb, status in found.items() if status not in (200, 302, 400, 403, 404)} == {}


@pytest.mark.parametrize("key", ["garbage", "\x00"])
def test_a_page_of_a_row_that_there_is_not_is_not_found(desk: Client, key: str) -> None:
    for table in ("dailysummary", "risk", "rollout", "verificationrun", "workitem"):
        assert desk.get(reverse(f"admin:coordination_{table}_change", args=[key])).status_code == 404, table


@pytest.mark.parametrize("number", ["garbage", "0", "9" * 30])
def test_a_page_of_the_search_that_there_is_not_is_not_found(desk: Client, boss: User, number: str) -> None:
    desk.raise_request_exception = False
    answer = desk.get(reverse("admin:search"), {"s": boss.username, "extended": "1", "page": number})
    assert answer.status_code in (200, 404)


@pytest.mark.parametrize("written", [str, quote])
def test_a_verb_finds_its_key_as_the_list_and_as_the_page_write_it(desk: Client, written: Callable[[str], str]) -> None:
    kid = "_JBf-5CU_5CUn_5F" + "x" * 27
    key = SigningKey.objects.get(pk=signing_keys_rotate().kid)
    SigningKey.objects.filter(pk=key.pk).update(kid=kid)
    address = reverse("admin:authgateway_signingkey_kill", args=[written(kid)])
    assert desk.post(address, {"_form_submitted": "on"}).status_code == 302
    assert SigningKey.objects.get(pk=kid).state == SigningKey.State.COMPROMISED


def test_a_key_that_is_marked_already_is_said_and_not_an_error(desk: Client) -> None:
    kid = signing_keys_rotate().kid
    address = reverse("admin:authgateway_signingkey_kill", args=[kid])
    first = desk.post(address, {"_form_submitted": "on"}, follow=True)
    assert "refused from now on" in first.content.decode()
    second = desk.post(address, {"_form_submitted": "on"}, follow=True)
    assert "cannot become compromised" in second.content.decode()


@pytest.fixture
def drill(db: None) -> str:
    services.model_register(name="drill", task="echo", source="echo://", version="1")
    return "drill"


def test_the_summary_of_the_day_is_made_once_that_is_confirmed(desk: Client) -> None:
    desk.post(reverse("admin:coordination_dailysummary_make_now"), {"_form_submitted": "on"})
    assert DailySummary.objects.count() == 1
