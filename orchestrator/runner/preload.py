"""What the fork server imports once, so that runners start with it in shared memory, and what it leaves out.

Importing a model's class in transformers drags in torch's compiler, tensors over several machines, symbolic algebra,
scipy and scikit-learn: a third of the memory, and nothing of it takes part in a forward pass. Importing torch itself
brings the shapes of every operator's result, which only tensors without storage need. They are held back while torch
and the class are imported; whoever asks for one of them later gets the real thing (decision 0035).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# Rayon's threads do not survive a fork, and no tokenizer may reach for the network.
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

_COMPILER = "torch._dynamo"
_SHAPES, _CIRCLE = "torch._meta_registrations", ("torch._decomp", "torch._prims", "torch._refs")


class _ShapesFirst(MetaPathFinder):
    """Brings the operators' shapes in before the modules that import one another with them, as torch itself does."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if fullname not in _CIRCLE or _SHAPES in sys.modules:
            return None
        import_module(_SHAPES)  # and with it the module that was asked for
        found = sys.modules[fullname]
        # The import that asked goes on with the module's own spec, and would run it a second time.
        found.__spec__ = ModuleSpec(fullname, _Loaded(), origin=found.__file__, is_package=True)
        found.__spec__.submodule_search_locations = list(found.__path__)
        return found.__spec__


class _Loaded(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return sys.modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        pass


if "torch" not in sys.modules:
    sys.modules[_SHAPES] = ModuleType(_SHAPES)
    import torch

    del sys.modules[_SHAPES], torch._meta_registrations
    sys.meta_path.insert(0, _ShapesFirst())
else:
    import torch


@contextmanager
def _inference_only() -> Iterator[None]:
    """Import as where scipy is not installed, torch has no distributed tensors and nothing is ever compiled."""
    absent = [name for name in ("scipy", "sklearn") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None: "not installed" to import and find_spec
    distributed, disable = torch.distributed.is_available, torch.compiler.disable
    torch.distributed.is_available = lambda: False
    torch.compiler.disable = _undecorated
    compiler = _COMPILER not in sys.modules
    if compiler:
        sys.modules[_COMPILER] = _decorators()
    try:
        yield
    finally:
        for name in (*absent, *([_COMPILER] if compiler else [])):
            del sys.modules[name]
        torch.distributed.is_available, torch.compiler.disable = distributed, disable


def _decorators() -> ModuleType:
    """Return a stand-in for the compiler: its marks for functions mean nothing where none is compiled.

    It has the real one's path, so that a part which is more than a mark is the real one.
    """
    made = ModuleType(_COMPILER)
    made.__path__ = [os.path.join(torch.__path__[0], "_dynamo")]  # noqa: PTH118  # pathlib is not needed here
    for mark in ("allow_in_graph", "assume_constant_result"):
        setattr(made, mark, _undecorated)
    return made


def _undecorated(function: Callable[..., Any] | None = None, *_: Any, **__: Any) -> Any:
    return function if function is not None else _undecorated


with _inference_only():
    import transformers

    # Lazily imported by transformers at the first load otherwise, which would cost every runner the same second again.
    from transformers import AutoConfig, AutoModel, AutoTokenizer
    from transformers.models.bert import modeling_bert, tokenization_bert

__all__ = ["AutoConfig", "AutoModel", "AutoTokenizer", "modeling_bert", "tokenization_bert", "torch"]

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
