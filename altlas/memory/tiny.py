"""Makes a small sentence-embedding model with random weights: the same code paths as a real one at a fraction of the
time. It imports torch, so it is a program of its own:

    python -m altlas.memory.tiny FOLDER [DIMENSION]
"""

from __future__ import annotations

import json
import string
import sys
from pathlib import Path

# Words, then letters, so that any text has tokens.
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_WORDS = ("the", "a", "and", "of", "to", "in", "bir", "ve", "bu", "için", "ile", "de", "da", "çok")
_LETTERS = string.ascii_lowercase + string.digits + "çğıöşü" + string.punctuation


def make(folder: Path, *, dimension: int = 384) -> None:
    import torch
    from transformers import BertConfig, BertModel

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = [*_SPECIAL, *_WORDS, *_LETTERS, *(f"##{letter}" for letter in _LETTERS)]
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(vocabulary)) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 256})
    )
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=dimension, num_hidden_layers=1,
        num_attention_heads=max(1, dimension // 64), intermediate_size=dimension, max_position_embeddings=256,
    )  # fmt: skip
    BertModel(config).eval().save_pretrained(folder, safe_serialization=True)


if __name__ == "__main__":
    make(Path(sys.argv[1]), dimension=int(sys.argv[2]) if len(sys.argv) > 2 else 384)
