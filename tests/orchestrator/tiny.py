"""Tiny transformer models with random weights, made on the spot: a folder as a hub would give it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_TEXT = """ada likes fast engines and slow trains while the cat sleeps on a warm stone near istanbul bridge water light
music tea good bad question answer who where when"""
WORDS = _TEXT.split()
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def tokenizer(*, generative: bool = False) -> Any:
    """Return a fast tokenizer of whole words; with BERT's frame around a text unless it is for generation."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *WORDS])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    if not generative:
        made.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        eos_token="[SEP]",
        model_max_length=64,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def make(folder: Path, task: str, *, labels: int = 5, seed: int = 7, **more: Any) -> Path:
    """Write a model for ``task`` into ``folder`` as safetensors and return the folder."""
    import torch
    import transformers

    torch.manual_seed(seed)
    tokens = tokenizer(generative=task == "text-generation")
    if task == "text-generation":
        config: Any = transformers.GPT2Config(
            vocab_size=len(tokens), n_positions=64, n_embd=32, n_layer=2, n_head=2, bos_token_id=2, eos_token_id=3,
            initializer_range=0.5,
        )  # fmt: skip
    else:
        names = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"][:labels]
        config = transformers.BertConfig(
            vocab_size=len(tokens), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
            max_position_embeddings=64, initializer_range=0.5, pad_token_id=0,
            id2label=dict(enumerate(names)), label2id={name: number for number, name in enumerate(names)}, **more,
        )  # fmt: skip
    kinds = {
        "sentence-embedding": "AutoModel",
        "token-classification": "AutoModelForTokenClassification",
        "sequence-classification": "AutoModelForSequenceClassification",
        "cross-encoder": "AutoModelForSequenceClassification",
        "fill-mask": "AutoModelForMaskedLM",
        "text-generation": "AutoModelForCausalLM",
    }
    model = getattr(transformers, kinds[task]).from_config(config)
    model.save_pretrained(folder, safe_serialization=True)
    tokens.save_pretrained(folder)
    return folder
