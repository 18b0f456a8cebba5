"""Requests made up from the OpenAPI document: no 5xx, and every answer is one that the document promises.

The whole API in one process, with a token that may do everything. Bounded: a few requests per operation, the same ones
on every run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup

from authgateway.conf import conf
from authgateway.testing import bearer, make_user

EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "6"))
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
# A Redis or a node that is away is no defect of the document; these answers are promised for it.
_HONEST_5XX = {503, 504}


def operations() -> Iterator[Any]:
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", get_wsgi_application())
    for found in schema.get_all_operations():
        yield found.ok()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_no_made_up_request_breaks_a_promise_of_the_document(monkeypatch) -> None:
    monkeypatch.setattr(conf, "login_network_limit", 10_000)
    load_all_checks()
    checks = CHECKS.get_by_names(list(CHECKED))
    root = make_user("root", superuser=True, password=None)
    broken: dict[str, str] = {}
    asked = 0

    for operation in operations():

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            headers = {name: value for name, value in case.headers.items() if name.lower() != "authorization"}
            case.headers.clear()
            case.headers.update(headers)
            answer = case.call(headers=bearer(root), base_url="http://localhost")
            used = checks if answer.status_code not in _HONEST_5XX else checks[1:]
            case.validate_response(answer, checks=used)

        try:
            ask()
        except FailureGroup as found:
            broken[operation.label] = str(found)
    assert asked > EXAMPLES * 10
    assert not broken, "\n\n".join(f"{label}\n{text}" for label, text in broken.items())
