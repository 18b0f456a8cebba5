"""Manifests: the sha256 and size of every file of a model version, and the check against them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

# Files that could run code when loaded. A version that has one is refused at registration, not ignored.
_CODE = frozenset({".py", ".pyc", ".so", ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".h5", ".joblib"})
_IGNORED = frozenset({".gitattributes", ".gitignore"})


_BLOCK = 2**20


class Entry(TypedDict):
    sha256: str
    bytes: int


class ManifestError(ValueError):
    """The files are not what they should be; the message names the file."""


class UnreadableFiles(ManifestError):
    """The files could not be read, which may pass; the message names the file."""


def build(folder: Path) -> dict[str, Entry]:
    """Return file -> entry for every file below ``folder``, by POSIX path.

    Raises:
        ManifestError: a file could run code when loaded (pickled weights, Python modules).
    """
    found: dict[str, Entry] = {}
    for name, path in _files(folder).items():
        if path.suffix.lower() in _CODE:
            raise ManifestError(f"{name} could run code when loaded; only safetensors weights are accepted.")
        with _readable(name):
            found[name] = Entry(sha256=digest(path), bytes=path.stat().st_size)
    return found


@contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise ManifestError(f"{name} is missing.") from exc
    except OSError as exc:
        raise UnreadableFiles(f"{name} cannot be read: {exc.strerror}.") from exc


def _files(folder: Path) -> dict[str, Path]:
    """Return what counts below ``folder``, by POSIX path."""
    with _readable(folder.name):
        paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*"))}
        return {
            name: path
            for name, path in paths.items()
            if path.is_file() and path.name not in _IGNORED and "__pycache__" not in name
        }


def weights_bytes(manifest: Mapping[str, Entry]) -> int:
    return sum(entry["bytes"] for name, entry in manifest.items() if name.endswith(".safetensors"))


def digest(path: Path, *, progress: Callable[[], None] = lambda: None) -> str:
    """Return the sha256 of ``path``; ``progress`` is called whenever some of it was read.

    A file is read again only when its identity (inode, size, change times) differs from the one that was read, so
    that loading a model again costs no second reading of its weights.
    """
    stat = path.stat()
    identity = (str(path), stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    found = _digests.get(identity)
    if found is None:
        digested = hashlib.sha256()
        with path.open("rb", buffering=0) as file:
            while block := file.read(_BLOCK):
                digested.update(block)
                progress()
        found = _digests[identity] = digested.hexdigest()
    return found


_digests: dict[tuple[str, int, int, int, int], str] = {}


def verify(folder: Path, manifest: Mapping[str, Entry], *, progress: Callable[[], None] = lambda: None) -> None:
    """Return when every file of ``manifest`` is there unchanged, and no other.

    A file that came later counts: loaders look for some by name (other weights, a pooling layer) and would serve
    another model under the same version.

    Raises:
        ManifestError: a file is missing, differs or was added; UnreadableFiles: it is not known.
    """
    added = sorted(_files(folder).keys() - manifest.keys())
    if added:
        raise ManifestError(f"{added[0]} is not among the files that were registered.")
    for name, entry in manifest.items():
        path = folder / name
        with _readable(name):
            size = path.stat().st_size
            if size != entry["bytes"]:
                raise ManifestError(f"{name} has {size} bytes instead of {entry['bytes']}.")
            found = digest(path, progress=progress)
        if found != entry["sha256"]:
            raise ManifestError(f"{name} differs from what was registered (sha256 {found[:12]}…).")
