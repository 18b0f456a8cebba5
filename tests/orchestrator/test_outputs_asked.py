"""Outputs that a request of the protocol names and the model does not have."""

from __future__ import annotations

import json

import pytest
from rest_framework.test import APIClient

from orchestrator.views.v2 import infer as infer_view
from tests.orchestrator.support import Scene
from tests.orchestrator.test_v2_views import operator, post

__all__ = ["operator"]
pytestmark = pytest.mark.django_db


def test_an_output_that_the_model_lacks_is_refused_before_it_runs(
    operator: APIClient, drill: str, local_node: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensor = {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["ab"]}

    def answer(output: str) -> tuple[int, dict[str, object]]:
        body = {"inputs": [tensor], "outputs": [{"name": output}]}
        found = post(operator, f"/v2/models/{drill}/infer", json.dumps(body).encode())
        return found.status_code, found.json()

    assert answer("embedding")[0] == 200
    monkeypatch.delattr(infer_view, "infer")
    status, said = answer("nothing")
    assert status == 400 and said["error"] == "There is no output 'nothing'; this model has embedding."
