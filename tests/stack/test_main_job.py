"""The main job over HTTP: log in, segment, find in the archive, log out."""

from __future__ import annotations

import pytest

from tests.support.stack import ADMIN, ROOT, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

SAMPLES = ROOT / "docs" / "samples"


@pytest.mark.parametrize("language", ["tr", "en"])
def test_a_document_goes_from_login_to_a_refused_token(stack: Stack, language: str) -> None:
    text = (SAMPLES / f"{language}-sample.txt").read_text(encoding="utf-8")
    with stack.client() as client:
        tokens = client.post("/api/v1/auth/token", json={"username": ADMIN[0], "password": ADMIN[1]})
        assert tokens.status_code == 200, tokens.text
        assert tokens.json()["token_type"] == "Bearer"
        assert tokens.json()["expires_in"] > 0
        client.headers["Authorization"] = f"Bearer {tokens.json()['access']}"

        made = {}
        for strategy in ("sentence", "topic"):
            answer = client.post(
                "/api/v1/segmentations", json={"text": text, "strategy": strategy}, headers={"Prefer": "wait=60"}
            )
            assert answer.status_code == 201, answer.text
            made[strategy] = answer.json()
            assert answer.headers["X-Request-ID"]
        for result in made.values():
            assert result["status"] == "succeeded"
            assert result["language"] == language
            for index, segment in enumerate(result["segments"]):
                assert segment["index"] == index
                assert text[segment["start"] : segment["end"]] == segment["text"]
                assert 0 <= segment["score"] <= 1
        assert len(made["sentence"]["segments"]) >= 200
        assert 3 <= len(made["topic"]["segments"]) <= 30

        record = made["topic"]["record_id"]
        assert client.get(f"/api/v1/archive/records/{record}").status_code == 200
        listed = client.get("/api/v1/archive/records", params={"limit": 2}).json()
        assert record in [item["id"] for item in listed["results"]]
        middle = text.split()[len(text.split()) // 2 :][:4]
        for mode, query in (("text", " ".join(middle)), ("semantic", text[:300]), ("hybrid", " ".join(middle))):
            found = client.get("/api/v1/archive/search", params={"q": query, "mode": mode, "limit": 10})
            assert found.status_code == 200, found.text
            assert record in [item["id"] for item in found.json()["results"]], mode

        gone = client.post("/api/v1/auth/logout", json={"refresh": tokens.json()["refresh"]})
        assert gone.status_code in (200, 204, 205), gone.text
        refused = client.get("/api/v1/archive/records")
        assert refused.status_code == 401
        assert refused.headers["Content-Type"].startswith("application/problem+json")
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        stale = client.post("/api/v1/auth/token/refresh", json={"refresh": tokens.json()["refresh"]})
        assert stale.status_code == 401


def test_the_walkthrough_command_tells_every_step_and_succeeds(stack: Stack) -> None:
    done = stack.manage("walkthrough")
    assert done.returncode == 0, done.stdout + done.stderr
    for told in ("logged in", "sentences", "topics", "found by its words", "found by its meaning", "refused"):
        assert told in done.stdout


def test_every_answer_is_json_with_a_request_id_also_where_nothing_is(stack: Stack) -> None:
    with stack.client(headers={"X-Request-ID": "from-the-test-1"}) as client:
        for path in ("/api/v1/nothing", "/api/nothing"):
            answer = client.get(path)
            assert answer.status_code == 404
            assert answer.headers["Content-Type"].startswith("application/problem+json")
            assert answer.headers["X-Request-ID"] == "from-the-test-1"
            assert answer.json()["request_id"] == "from-the-test-1"
        answer = client.get("/v1/nothing")  # in the shape that OpenAI's clients understand
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
        assert answer.headers["X-Request-ID"] == "from-the-test-1"


def test_metrics_cover_web_and_node(stack: Stack) -> None:
    with stack.logged_in() as client:
        client.post("/v1/embeddings", json={"model": "all-minilm-l6-v2", "input": "counted"})
        text = client.get("/metrics").text
    assert "django_http_requests_total_by_method_total" in text
    # Written by the node's process, read from the web's.
    assert "altlas_model_loads_total" in text and "altlas_model_budget_bytes" in text
    assert "altlas_infer_seconds_count" in text
