"""Opening a model class or a tokenizer on a folder: safetensors only, no code from the folder, no network."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import transformers
from torch.overrides import TorchFunctionMode

# By name: as methods of tensors, as functions of torch.nn.init, and as what transformers puts in the place of those.
_RANDOM = frozenset({"normal_", "uniform_", "trunc_normal_", "kaiming_uniform_", "kaiming_normal_"})


class _WithoutCompiler(TorchFunctionMode):  # type: ignore[misc]  # torch has no types here
    """Do by hand what torch does by its compiler for tensors without storage.

    transformers makes a model without storage and gives it the file's weights. Meanwhile every layer asks for random
    ones and for ranges of positions, and to find out how those would look torch imports its compiler and symbolic
    algebra: a second and 60 MB, and nothing else of a load or a forward pass needs them.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") in _RANDOM:
            tensor = args[0] if args else kwargs["tensor"]
            if tensor.is_meta:
                return tensor
        elif func is torch.arange and str(kwargs.get("device")) == "meta":
            made = func(*args, **{**kwargs, "device": "cpu"})
            return torch.empty(made.shape, dtype=made.dtype, device="meta")
        elif func is torch.empty_like and args[0].is_meta and set(kwargs) <= {"device"}:
            return torch.empty(args[0].shape, dtype=args[0].dtype, device=kwargs.get("device", "meta"))
        return func(*args, **kwargs)


def open_weights(auto: str, folder: Path, **options: Any) -> Any:
    """Return what ``transformers.<auto>.from_pretrained`` makes of ``folder``, in float32.

    Raises: what it raises for a folder that is not what the class needs.
    """
    return _with_shapes(lambda: _opened(auto, folder, options))


def skeleton(config: Any) -> Any:
    """Return the base model of ``config``, its tensors without storage: the structure, in some ten milliseconds."""

    def made() -> Any:
        with _WithoutCompiler(), torch.device("meta"):
            return transformers.AutoModel.from_config(config, trust_remote_code=False)

    return _with_shapes(made)


def _with_shapes(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except NotImplementedError:
        # Few models compute with tensors without storage in their constructors, and need all operators' shapes for it.
        import_module("torch._meta_registrations")
        return make()


def _opened(auto: str, folder: Path, options: dict[str, Any]) -> Any:
    with _WithoutCompiler():
        return getattr(transformers, auto).from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            **options,
        )


def open_tokenizer(folder: Path) -> Any:
    """Return the tokenizer of ``folder``.

    Raises: what transformers raises for a folder without one.
    """
    found = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if found.is_fast:
        # The vocabulary as it was read, which the compiled tokenizer has a copy of: 3 MB a process for 30,000 words.
        vars(found).pop("_vocab", None)
    return found
