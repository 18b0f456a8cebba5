"""What an idle runner does while it waits for a model, so that the load need not.

The first load in a process pays for imports, registries and thread pools that the second does not: as much again as
the load itself. So the spare loads a model of a few kilobytes, made on the spot, and throws it away.
"""

from __future__ import annotations

import gc
import json
import logging
import sys
import tempfile
from pathlib import Path

logger = logging.getLogger("orchestrator.runner")
_WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b")


def prepare(*, threads: int) -> None:
    """Rehearse a load and a forward pass; nothing when the fork server came without torch."""
    if "torch" not in sys.modules:
        return
    try:
        with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
            _make(Path(folder))
            _load(Path(folder), threads)
    except Exception:  # a spare that could not rehearse still loads
        logger.exception("the rehearsal failed")
    gc.collect()


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


def _load(folder: Path, threads: int) -> None:
    from orchestrator.runner.loaders import loader_for
    from orchestrator.runner.loaders.base import LoadOrder

    loader = loader_for("sentence-embedding")
    loader.load(LoadOrder(folder=folder, threads=threads))
    loader.forward([row.payload for row in loader.encode(["a b"], {})], {})
