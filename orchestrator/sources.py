"""Where the files of a model version lie: pure path work, no model code is imported, nothing is fetched."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from urllib.parse import unquote, urlsplit


class SourceError(ValueError):
    """The source cannot be used; the message says why and what to do."""


def resolve(source: str) -> Path:
    """Return the folder that ``source`` names.

    ``package://name/folder`` is a folder inside an installed Python package, found without importing it;
    ``folder:///absolute/path`` is a folder of this machine; ``echo://`` stands for a model without files.

    Raises:
        SourceError: the scheme is unknown or nothing lies there.
    """
    parts = urlsplit(source)
    if parts.scheme == "package":
        folder = _package_root(parts.netloc) / unquote(parts.path.lstrip("/"))
    elif parts.scheme == "folder" and not parts.netloc:
        folder = Path(unquote(parts.path))
    elif parts.scheme == "hf":
        folder = _hub_snapshot(parts.netloc + parts.path)
    else:
        raise SourceError(f"{source!r} is no source; use package://name/folder, folder:///path or hf://org/model.")
    if not folder.is_dir():
        raise SourceError(f"{source}: the folder {folder.name!r} is not there.")
    return folder.resolve()


def _package_root(name: str) -> Path:
    try:
        spec = importlib.util.find_spec(name) if name.isidentifier() else None
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise SourceError(f"The package {name!r} is not installed; add it to requirements.txt.")
    return Path(next(iter(spec.submodule_search_locations)))


def _hub_snapshot(name: str) -> Path:
    """Return the newest complete snapshot of a Hugging Face model in this machine's cache (`org/model@revision`)."""
    repository, _, revision = name.partition("@")
    root = _hub_cache() / f"models--{repository.replace('/', '--')}"
    wanted = revision or "main"
    reference = root / "refs" / wanted
    commit = reference.read_text().strip() if reference.is_file() else wanted
    folder = root / "snapshots" / commit
    if not folder.is_dir():
        raise SourceError(
            f"hf://{name} is not in this machine's cache; fetch it beforehand with `hf download {repository}`."
        )
    return folder


def _hub_cache() -> Path:
    from huggingface_hub.constants import HF_HUB_CACHE  # heavy, and needed by this scheme only

    return Path(HF_HUB_CACHE)
