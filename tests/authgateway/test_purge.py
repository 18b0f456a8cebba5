"""What has expired goes, in small batches; evidence stays as long as it may matter."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from altlas.kernel.clock import now
from authgateway.models import Attempts, Denial, Family, RefreshToken, SecurityEvent
from authgateway.services.purge import purge
from authgateway.services.security_events import event_record
from tests.authgateway.conftest import Login, auth

pytestmark = pytest.mark.django_db


def test_expired_rows_go_in_batches(ada, django_assert_max_num_queries) -> None:
    past = now() - timedelta(days=1)
    Denial.objects.bulk_create(
        Denial(kind="jti", value=f"{number:020}", reason="x", expires_at=past) for number in range(25)
    )
    Attempts.objects.create(key="k", count=1, expires_at=past)
    with django_assert_max_num_queries(60):
        done = purge(batch=10)
    assert (done["denials"], done["attempts"]) == (25, 1)
    assert not Denial.objects.exists()


def test_a_session_goes_with_its_tokens_when_its_absolute_limit_has_passed(ada, login: Login) -> None:
    login()
    Family.objects.update(absolute_expires_at=now() - timedelta(seconds=1))
    assert purge()["sessions"] == 1
    assert not RefreshToken.objects.exists()


def test_evidence_of_reuse_is_kept_until_then(ada, login: Login) -> None:
    pair = login()
    APIClient().post("/api/v1/auth/logout", headers=auth(pair))
    purge()
    answer = APIClient().post("/api/v1/auth/token/refresh", {"refresh": pair["refresh"]})
    assert answer.json()["code"] == "session_revoked"


def test_what_derives_a_successor_is_wiped_after_the_window(ada, login: Login) -> None:
    first = login()["refresh"]
    APIClient().post("/api/v1/auth/token/refresh", {"refresh": first})
    assert purge()["nonces"] == 0
    RefreshToken.objects.filter(used_at__isnull=False).update(used_at=now() - timedelta(seconds=11))
    assert purge()["nonces"] == 1
    assert not RefreshToken.objects.filter(successor_nonce__isnull=False).exists()


def test_events_are_kept_for_their_time(ada) -> None:
    event_record(kind="new", severity="low")
    event_record(kind="old", severity="low")
    SecurityEvent.objects.filter(kind="old").update(last_at=now() - timedelta(days=181))
    assert purge()["events"] == 1
    assert list(SecurityEvent.objects.values_list("kind", flat=True)) == ["new"]
