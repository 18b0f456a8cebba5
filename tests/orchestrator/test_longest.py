"""The longest input of a model: as many tokens as it has positions for, and never one more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.runner.loaders import loader_for
from orchestrator.runner.loaders.base import LoadOrder
from orchestrator.runner.loaders.bodies import Array, Batch
from orchestrator.runner.loaders.longest import longest
from tests.orchestrator import tiny
from tests.orchestrator.test_loaders import opened, run

POSITIONS = 34
# Those of RoBERTa's kin begin behind the padding, which is token 1 here as in the models on the hub.
KIN = ("Roberta", "XLMRoberta", "MPNet")
TEXT = "the cat sleeps on a warm stone " * 20


def config(kind: str, **more: Any) -> Any:
    import transformers

    return getattr(transformers, f"{kind}Config")(
        vocab_size=len(tiny.tokenizer()), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=POSITIONS, pad_token_id=1, **more,
    )  # fmt: skip


def made(folder: Path, kind: str, head: str = "AutoModel", *, said: float = 1e30) -> Path:
    """Write a model of ``kind`` and a tokenizer that has ``said`` its longest input."""
    import transformers

    getattr(transformers, head).from_config(config(kind)).save_pretrained(folder)
    tokens = tiny.tokenizer()
    tokens.model_max_length = said
    tokens.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        *((kind, {}, POSITIONS - 2) for kind in (*KIN, "Camembert")),
        ("Longformer", {"attention_window": 4}, POSITIONS - 2),
        ("Esm", {"mask_token_id": 4, "position_embedding_type": "absolute"}, POSITIONS - 2),
        ("Bert", {}, POSITIONS),
        ("Electra", {"embedding_size": 32}, POSITIONS),
    ],
)
def test_a_model_computes_its_longest_input_and_no_longer_one(kind: str, more: dict[str, Any], expected: int) -> None:
    import torch
    import transformers

    from orchestrator.runner.loaders.opening import skeleton

    model = transformers.AutoModel.from_config(config(kind, **more)).eval()
    assert longest(model, said=1e30) == longest(skeleton(model.config), said=1e30) == expected
    with torch.inference_mode():
        model(input_ids=torch.full((1, expected), 5))
        with pytest.raises((IndexError, RuntimeError)):
            model(input_ids=torch.full((1, expected + 1), 5))


@pytest.mark.parametrize("kind", KIN)
@pytest.mark.parametrize(("task", "head"), [("sentence-embedding", "AutoModel"), ("fill-mask", "AutoModelForMaskedLM")])
def test_a_text_beyond_the_longest_is_cut_and_served(tmp_path: Path, kind: str, task: str, head: str) -> None:
    loader = opened(made(tmp_path, kind, head), task)
    (row,) = loader.encode([f"[MASK] {TEXT}"], {})
    assert row.length == POSITIONS - 2
    assert len(run(loader, [f"[MASK] {TEXT}", "[MASK] tea"])) == 2


def test_an_embedding_heeds_the_tokenizer_unless_sentence_transformers_says_another_number(tmp_path: Path) -> None:
    folder = made(tmp_path, "Roberta", said=20)
    assert opened(folder, "sentence-embedding").encode([TEXT], {})[0].length == 20
    for own, expected in ((24, 24), (POSITIONS, POSITIONS - 2)):
        (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": own}))
        loader = opened(folder, "sentence-embedding")
        assert [row.length for row in loader.encode([TEXT, [5] * 99], {})] == [expected, expected]
        assert run(loader, [TEXT])[0].shape == (32,)


@pytest.mark.parametrize(
    ("task", "room"), [("sentence-embedding", "sentence_embedding_onnx"), ("fill-mask", "transformer")]
)
def test_a_compiled_variant_has_the_limit_of_its_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str, room: str
) -> None:
    class Body:
        def __init__(self, *_: Any, **__: Any) -> None:
            pass

        def __call__(self, batch: Batch) -> Array:
            raise NotImplementedError

    monkeypatch.setattr(f"orchestrator.runner.loaders.{room}.OnnxBody", Body)
    folder = made(tmp_path, "XLMRoberta", "AutoModelForMaskedLM")
    facts = loader_for(task, "onnx").load(LoadOrder(folder=folder, runtime="onnx", variant=tmp_path))
    assert facts["max_tokens"] == POSITIONS - 2
