"""Every loader against plain transformers, on tiny models with random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestrator.runner.batching import Item, Pool, Request
from orchestrator.runner.errors import RunnerError
from orchestrator.runner.loaders import loader_for
from orchestrator.runner.loaders.base import LoadOrder
from orchestrator.runner.loaders.token_classification import joined
from tests.orchestrator import tiny

TEXTS = ["Ada likes fast engines", "tea", "the cat sleeps on a warm stone near Istanbul bridge while music answer who"]


def opened(folder: Path, task: str) -> Any:
    loader = loader_for(task)
    loader.load(LoadOrder(folder=folder))
    loader.warm_up()
    return loader


def run(loader: Any, inputs: list[Any], params: dict[str, Any] | None = None, *, bound: int = 1024) -> list[Any]:
    """Serve one request as a runner does: encoded, pooled into batches, put back in order."""
    request = Request(id=1, count=len(inputs), arrival=1, params=params or {})
    rows = loader.encode(inputs, request.params)
    outputs: list[Any] = [None] * len(rows)
    pool = Pool(token_bound=bound)
    pool.add(request, [Item(request, i, row.length, row.payload) for i, row in enumerate(rows)])
    while batch := pool.next_batch():
        found = loader.forward([item.payload for item in batch], request.params)
        for item, output in zip(batch, found, strict=True):
            outputs[item.index] = output
    return outputs


def reference(folder: Path, kind: str, *texts: str) -> np.ndarray[Any, Any]:
    """Return the logits of one text, or of a pair, by transformers alone: no padding, no batch."""
    import torch
    import transformers

    model = getattr(transformers, kind).from_pretrained(folder).eval()
    tokens = transformers.AutoTokenizer.from_pretrained(folder)(*texts, return_tensors="pt")
    with torch.inference_mode():
        found: np.ndarray[Any, Any] = model(**tokens).logits[0].numpy()
    return found


def probabilities(logits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    import torch

    found: np.ndarray[Any, Any] = torch.softmax(torch.from_numpy(logits), -1).numpy()
    return found


def test_token_classification_agrees_with_transformers(tmp_path: Path) -> None:
    folder = tiny.make(tmp_path, "token-classification")
    found = run(opened(folder, "token-classification"), TEXTS, {"aggregation": "none"})

    names = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    for text, tokens in zip(TEXTS, found, strict=True):
        expected = probabilities(reference(folder, "AutoModelForTokenClassification", text))[1:-1]
        assert [token["label"] for token in tokens] == [names[best] for best in expected.argmax(-1)]
        assert np.allclose([token["score"] for token in tokens], expected.max(-1), atol=1e-5)
        assert [text[token["start"] : token["end"]].lower() for token in tokens] == text.lower().split()


def test_neighbouring_tokens_of_one_label_become_one_span() -> None:
    def token(label: str, start: int, end: int, score: float = 1.0) -> Any:
        return {"label": label, "score": score, "start": start, "end": end}

    found = joined(
        [
            token("B-PER", 0, 3, 0.5), token("I-PER", 4, 9, 1.0), token("O", 10, 12),
            token("B-LOC", 13, 15), token("B-LOC", 16, 20), token("I-PER", 21, 23), token("LOC", 24, 26),
        ]
    )  # fmt: skip
    assert [(span["label"], span["start"], span["end"], span["score"]) for span in found] == [
        ("PER", 0, 9, 0.75), ("LOC", 13, 15, 1.0), ("LOC", 16, 20, 1.0), ("PER", 21, 23, 1.0), ("LOC", 24, 26, 1.0),
    ]  # fmt: skip


def test_sequence_classification_agrees_with_transformers(tmp_path: Path) -> None:
    folder = tiny.make(tmp_path, "sequence-classification", labels=3)
    loader = opened(folder, "sequence-classification")
    found = run(loader, TEXTS)

    for text, labels in zip(TEXTS, found, strict=True):
        expected = probabilities(reference(folder, "AutoModelForSequenceClassification", text))
        scores = {label["label"]: label["score"] for label in labels}
        assert np.allclose([scores[name] for name in ("O", "B-PER", "I-PER")], expected, atol=1e-5)
        assert [label["score"] for label in labels] == sorted(scores.values(), reverse=True)
    assert [len(labels) for labels in run(loader, TEXTS, {"top_k": 1})] == [1, 1, 1]


def test_labels_of_a_multi_label_model_are_independent(tmp_path: Path) -> None:
    folder = tiny.make(tmp_path, "sequence-classification", labels=3, problem_type="multi_label_classification")
    (labels,) = run(opened(folder, "sequence-classification"), ["good tea"])
    logits = reference(folder, "AutoModelForSequenceClassification", "good tea")
    expected = sorted(1 / (1 + np.exp(-logits)), reverse=True)
    assert np.allclose([label["score"] for label in labels], expected, atol=1e-5)


def test_a_cross_encoder_agrees_with_transformers_on_pairs(tmp_path: Path) -> None:
    folder = tiny.make(tmp_path, "cross-encoder", labels=1)
    pairs = [["who sleeps", "the cat sleeps on a warm stone"], ["tea", "music"], ["where", "near istanbul bridge"]]
    found = run(opened(folder, "cross-encoder"), pairs)

    for pair, score in zip(pairs, found, strict=True):
        (logit,) = reference(folder, "AutoModelForSequenceClassification", *pair)
        assert abs(score["logit"] - logit) < 1e-5 and abs(score["score"] - 1 / (1 + np.exp(-logit))) < 1e-5


def test_fill_mask_agrees_with_transformers(tmp_path: Path) -> None:
    folder = tiny.make(tmp_path, "fill-mask")
    texts = ["the [MASK] sleeps", "ada likes [MASK] engines and slow [MASK] near the water"]
    found = run(opened(folder, "fill-mask"), texts, {"top_k": 3})

    places = [[2], [3, 7]]
    for text, masks, where in zip(texts, found, places, strict=True):
        expected = probabilities(reference(folder, "AutoModelForMaskedLM", text))
        for fills, place in zip(masks, where, strict=True):
            order = np.argsort(-expected[place])[:3]
            assert [fill["token_id"] for fill in fills] == order.tolist()
            assert np.allclose([fill["score"] for fill in fills], expected[place][order], atol=1e-5)


def test_greedy_generation_in_a_batch_is_that_of_transformers_alone(tmp_path: Path) -> None:
    import torch
    import transformers

    folder = tiny.make(tmp_path, "text-generation")
    prompts = ["ada likes", "the cat sleeps on a warm", "tea"]
    found = run(opened(folder, "text-generation"), prompts, {"max_new_tokens": 12})

    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    tokens = transformers.AutoTokenizer.from_pretrained(folder)
    for prompt, made in zip(prompts, found, strict=True):
        ids = torch.tensor([tokens(prompt)["input_ids"]])
        alone = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False, pad_token_id=0
        )[0, ids.shape[1] :]
        assert made["text"] == tokens.decode(alone, skip_special_tokens=True)
        assert made["tokens"] <= 12 and made["finish_reason"] in ("stop", "length")


def test_sampling_is_repeatable_by_its_seed(tmp_path: Path) -> None:
    loader = opened(tiny.make(tmp_path, "text-generation"), "text-generation")
    params = {"max_new_tokens": 20, "temperature": 5.0, "seed": 3}
    first, again = run(loader, ["tea"], params), run(loader, ["tea"], params)
    other = run(loader, ["tea"], {**params, "seed": 4})
    assert first == again != other


@pytest.mark.parametrize(
    ("task", "labels"),
    [("token-classification", 5), ("sequence-classification", 3), ("cross-encoder", 1), ("fill-mask", 5)],
)
def test_outputs_are_the_same_batched_and_alone(tmp_path: Path, task: str, labels: int) -> None:
    loader = opened(tiny.make(tmp_path, task, labels=labels), task)
    inputs: list[Any] = [f"{text} [MASK]" for text in TEXTS]
    if task == "cross-encoder":
        inputs = [[text, other] for text in TEXTS for other in TEXTS]
    together, alone = run(loader, inputs), [run(loader, [one])[0] for one in inputs]

    assert np.allclose(_numbers(together), _numbers(alone), atol=1e-5)


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for key in sorted(value) for number in _numbers(value[key])]
    if isinstance(value, list):
        return [number for item in value for number in _numbers(item)]
    return [float(value)] if isinstance(value, int | float) else []


@pytest.mark.parametrize(
    ("task", "labels", "inputs", "params", "said"),
    [
        ("token-classification", 5, [1], {}, "texts"),
        ("token-classification", 5, ["tea"], {"aggregation": "best"}, "aggregation"),
        ("sequence-classification", 3, [["tea", "cat"]], {}, "texts"),
        ("sequence-classification", 3, ["tea"], {"top_k": 0}, "top_k"),
        ("cross-encoder", 1, ["tea"], {}, "pairs"),
        ("cross-encoder", 1, [["tea"]], {}, "pairs"),
        ("fill-mask", 5, ["tea"], {}, "MASK"),
        ("fill-mask", 5, ["[MASK]"], {"top_k": True}, "top_k"),
        ("text-generation", 5, [None], {}, "texts"),
        ("text-generation", 5, [""], {}, "no tokens"),
        ("text-generation", 5, ["tea"], {"max_new_tokens": 64}, "max_new_tokens"),
        ("text-generation", 5, ["tea " * 40], {"max_new_tokens": 30}, "at most 64"),
        ("text-generation", 5, ["tea"], {"temperature": "hot"}, "temperature"),
        ("text-generation", 5, ["tea"], {"top_p": 0}, "top_p"),
        ("text-generation", 5, ["tea"], {"seed": -1}, "seed"),
    ],
)
def test_wrong_inputs_are_refused_by_name(
    tmp_path: Path, task: str, labels: int, inputs: list[Any], params: dict[str, Any], said: str
) -> None:
    loader = opened(tiny.make(tmp_path, task, labels=labels), task)
    with pytest.raises(RunnerError, match=said) as caught:
        run(loader, inputs, params)
    assert caught.value.code == "invalid_inputs"


@pytest.mark.parametrize(
    ("made", "opened_as", "said"),
    [
        ("fill-mask", "text-generation", "architecture"),
        ("sentence-embedding", "token-classification", "architecture"),
        ("sequence-classification", "cross-encoder", "one output"),
    ],
)
def test_a_model_of_another_architecture_fails_for_good(tmp_path: Path, made: str, opened_as: str, said: str) -> None:
    folder = tiny.make(tmp_path, made)
    with pytest.raises(RunnerError, match=said) as caught:
        opened(folder, opened_as)
    assert caught.value.permanent and caught.value.code == "model_unloadable"


def test_a_head_without_weights_is_refused_instead_of_made_up(tmp_path: Path) -> None:
    folder = tiny.make(tmp_path, "sentence-embedding")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architectures": ["BertForTokenClassification"]}))
    with pytest.raises(RunnerError, match="missing from the file") as caught:
        opened(folder, "token-classification")
    assert caught.value.permanent


@pytest.mark.parametrize("broken", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_folder_with_a_broken_file_fails_for_good(tmp_path: Path, broken: str) -> None:
    folder = tiny.make(tmp_path, "fill-mask")
    (folder / broken).write_bytes(b"\x00{ not this")
    with pytest.raises(RunnerError) as caught:
        opened(folder, "fill-mask")
    assert caught.value.permanent


def test_a_pooling_that_is_named_and_not_there_is_not_guessed(tmp_path: Path) -> None:
    folder = tiny.make(tmp_path / "model", "sentence-embedding")
    (folder / "modules.json").write_text(
        json.dumps(
            [{"type": f"sentence_transformers.models.{kind}", "path": kind} for kind in ("Transformer", "Pooling")]
        )
    )
    with pytest.raises(RunnerError, match=r"Pooling/config\.json") as refused:
        opened(folder, "sentence-embedding")
    assert refused.value.permanent
    (folder / "Pooling").mkdir()
    (folder / "Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    opened(folder, "sentence-embedding")
