"""What the fork server and a spare do in advance, so that no load has to.

The first load in a process pays for imports and registries that the second does not: as much again as the load itself.
So a model of a few kilobytes, made on the spot, is loaded, run and thrown away before the first runner is forked, and
what that left in memory is shared by all of them. A spare does it again: pages that a load writes to are copied then,
and not while somebody waits (docs/decisions/0035).
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from pathlib import Path

logger = logging.getLogger("orchestrator.runner")
_WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b")


def rehearse() -> None:
    """Load and run a tiny model; nothing when torch is not there.

    In one thread: OpenMP's pool starts with the first work for more than one, and its threads would not survive a fork.
    """
    if "torch" not in sys.modules:
        return
    try:
        with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
            _make(Path(folder))
            _load(Path(folder))
    except Exception:  # loads work without it, only slower
        logger.exception("the rehearsal failed")


def _make(folder: Path) -> None:
    from safetensors.torch import save_file
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=len(_WORDS), hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8
    )
    model = BertModel(config, add_pooling_layer=True)
    config.architectures = ["BertModel"]
    config.save_pretrained(folder)
    save_file(model.state_dict(), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "vocab.txt").write_text("\n".join(_WORDS), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}), encoding="utf-8")


def _load(folder: Path) -> None:
    from orchestrator.runner.loaders import loader_for
    from orchestrator.runner.loaders.base import LoadOrder

    loader = loader_for("sentence-embedding")
    loader.load(LoadOrder(folder=folder, threads=1))
    loader.forward([row.payload for row in loader.encode(["a b"], {})], {})
