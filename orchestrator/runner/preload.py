"""What the fork server imports once, so that runners start with it in shared memory."""

from __future__ import annotations

import os

# Rayon's threads do not survive a fork, and no tokenizer may reach for the network.
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

import torch
import transformers

# Lazily imported by transformers at the first load otherwise, which would cost every runner the same second again.
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.models.bert import modeling_bert, tokenization_bert

__all__ = ["AutoConfig", "AutoModel", "AutoTokenizer", "modeling_bert", "tokenization_bert", "torch"]

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
