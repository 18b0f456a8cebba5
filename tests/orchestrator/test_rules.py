"""What the tables refuse by themselves."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from orchestrator.models import CacheEvent, JobStatus, LoadJob, ModelVersion, VersionStatus, catalogue, jobs
from orchestrator.services.events import event_record

pytestmark = pytest.mark.django_db


def refused(rows: Any, **changes: Any) -> bool:
    try:
        with transaction.atomic():
            rows.update(**changes)
    except IntegrityError:
        return True
    return False


def test_a_version_changes_status_only_as_the_table_says(drill: str) -> None:
    model = ModelVersion.objects.get(model__name=drill, version="1").model
    tried = ModelVersion.objects.filter(model=model, version="x")
    for old, new in itertools.permutations(VersionStatus.values, 2):
        tried.delete()
        ModelVersion.objects.create(model=model, version="x", number=99, source="echo://", status=old)
        allowed = new in catalogue.TRANSITIONS[old]
        assert refused(tried, status=new) is not allowed, (old, new)


def test_a_job_changes_status_only_as_the_table_says(drill: str) -> None:
    version = ModelVersion.objects.get(model__name=drill)
    for old, new in itertools.permutations(JobStatus.values, 2):
        LoadJob.objects.all().delete()
        LoadJob.objects.create(version=version, node="n", status=old)
        assert refused(LoadJob.objects.all(), status=new) is not (new in jobs.TRANSITIONS[old]), (old, new)


def test_a_version_has_one_open_job_per_node(drill: str) -> None:
    version = ModelVersion.objects.get(model__name=drill)
    LoadJob.objects.create(version=version, node="n")
    LoadJob.objects.create(version=version, node="other")
    with pytest.raises(IntegrityError), transaction.atomic():
        LoadJob.objects.create(version=version, node="n", status=JobStatus.LOADING)


def test_the_decision_log_is_never_changed() -> None:
    event_record(kind="load", model="m")
    assert refused(CacheEvent.objects.all(), reason="rewritten")
