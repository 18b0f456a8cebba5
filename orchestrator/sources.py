"""Where the files of a model version lie. No model code is imported; only ``fetch`` may reach the network."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from orchestrator import snapshots

# What is fetched from a hub: weights as safetensors, tokenizer and configuration. Code and pickles never.
_WANTED: Final = ("*.safetensors", "*.safetensors.index.json", "*.json", "*.txt", "*.model", "*.jinja", "LICENSE*")
_UNWANTED: Final = ("onnx/*", "openvino/*", "tf_*", "flax_*", "*.bin", "*.h5", "*.msgpack", "*.py")


class SourceError(ValueError):
    """The source cannot be used; the message says why and what to do."""


def resolve(source: str) -> Path:
    """Return the folder that ``source`` names, as it lies on this machine; nothing is fetched.

    ``package://name/folder`` is a folder inside an installed Python package, found without importing it;
    ``folder:///absolute/path`` is a folder of this machine; ``hf://org/model@revision`` is a snapshot in this
    machine's Hugging Face cache; ``echo://`` stands for a model without files.

    Raises:
        SourceError: the scheme is unknown or nothing lies there.
    """
    parts = _parts(source)
    if parts.scheme == "package":
        folder = _package_root(parts.netloc) / unquote(parts.path.lstrip("/"))
    elif parts.scheme == "folder" and not parts.netloc:
        folder = Path(unquote(parts.path))
    elif parts.scheme == "hf":
        folder = _hub_snapshot(*_hub_name(source), offline=True)
    else:
        raise SourceError(f"{source!r} is no source; use package://name/folder, folder:///path or hf://org/model.")
    try:
        there = folder.is_dir()
    except OSError as exc:  # a name too long, a folder that may not be looked into
        raise SourceError(f"The folder {folder.name!r} of the source: {exc.strerror}.") from exc
    if not there:  # who asks for an answer is told this too, and not where files lie on this machine
        raise SourceError(f"The folder {folder.name!r} of the source is not there.")
    return folder.resolve()


def fetch(source: str) -> Path:
    """As ``resolve``; what a hub has and this machine's cache has not is fetched into the cache first.

    Raises:
        SourceError: also when the hub cannot be reached or has no such model, or when the cache has only a part of it
            and the hub cannot give the rest.
    """
    if _parts(source).scheme != "hf":
        return resolve(source)
    try:
        return _whole(source, resolve(source))
    except SourceError:
        return _whole(source, _hub_snapshot(*_hub_name(source), offline=False).resolve())


def pinned(source: str) -> str:
    """Return ``source`` with a hub's revision replaced by the commit it stands for now, so that it cannot move."""
    if _parts(source).scheme != "hf":
        return source
    repository, _ = _hub_name(source)
    return f"hf://{repository}@{resolve(source).name}"


def _parts(source: str) -> SplitResult:
    try:
        return urlsplit(source)
    except ValueError as exc:
        raise SourceError(f"{source!r} is no address: {exc}.") from exc


def _package_root(name: str) -> Path:
    try:
        spec = importlib.util.find_spec(name) if name.isidentifier() else None
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise SourceError(f"The package {name!r} is not installed; add it to requirements.txt.")
    return Path(next(iter(spec.submodule_search_locations)))


def _hub_name(source: str) -> tuple[str, str | None]:
    parts = _parts(source)
    repository, _, revision = unquote(parts.netloc + parts.path).strip("/").partition("@")
    if "@" in parts.netloc:  # urlsplit takes `org@rev` for a user name
        repository, _, revision = unquote(parts.netloc).partition("@")
    return repository, revision or None


def _whole(source: str, folder: Path) -> Path:
    """Return ``folder`` when it lacks nothing: with the hub out of reach its client hands out what it cannot check."""
    lacking = snapshots.missing(folder)
    if lacking:
        raise SourceError(
            f"{source} is only partly in this machine's cache, {', '.join(lacking)} is missing; fetch the rest with "
            f"`{_by_hand(*_hub_name(source))}` while the hub can be reached."
        )
    return folder


def _by_hand(repository: str, revision: str | None) -> str:
    return f"hf download {repository}" + (f" --revision {revision}" if revision else "")


def _hub_snapshot(repository: str, revision: str | None, *, offline: bool) -> Path:
    """Return a complete snapshot's folder, from the cache or from the hub."""
    # Heavy, and needed by this scheme only.
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        IncompleteSnapshotError,
        LocalEntryNotFoundError,
    )

    name = f"hf://{repository}" + (f"@{revision}" if revision else "")
    try:
        return Path(
            snapshot_download(
                repository,
                revision=revision,
                allow_patterns=list(_WANTED),
                ignore_patterns=list(_UNWANTED),
                local_files_only=offline,
            )
        )
    except HFValidationError as exc:
        raise SourceError(f"{name}: {exc}") from exc
    except IncompleteSnapshotError as exc:
        raise SourceError(
            f"{name} is only partly in this machine's cache; fetch the rest with `{_by_hand(repository, revision)}` "
            f"while the hub can be reached. {str(exc).splitlines()[0]}"
        ) from exc
    except LocalEntryNotFoundError as exc:
        said = "is not in this machine's cache" if offline else "is not in the cache, and the hub cannot be reached"
        raise SourceError(f"{name} {said}; fetch it beforehand with `{_by_hand(repository, revision)}`.") from exc
    except (HfHubHTTPError, OSError) as exc:
        raise SourceError(f"{name} could not be fetched: {str(exc).splitlines()[0]}") from exc
