"""py3langid's identifier over tables in files, which all processes share.

Loaded as it comes, its tables are 84 MB of every process's own memory, a third of it languages that are not asked for.
Written once, for our languages only, and mapped, they are some 50 MB of the page cache for all processes together, and
opening them takes a moment instead of a second.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

_ROOT = Path(__file__).resolve().parents[2]
_MAKING_SECONDS = 60
_TABLES = ("scores", "priors", "moves", "rows", "outputs")


def in_memory(languages: Sequence[str]) -> Any:
    """Return an identifier that holds its tables itself."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages([code for code in languages if code in set(identifier.labels)])
    return identifier


def mapped(languages: Sequence[str], folder: Path) -> Any:
    """Return an identifier over the tables in ``folder``, which are made first when they are not there.

    Raises:
        OSError: they can be neither read nor made.
    """
    own = folder / _name(languages)
    if not (own / "labels.json").exists():
        # In a process of its own: what it takes to make them is many times what they are.
        command = [sys.executable, "-m", "segmentation.algorithms.identifier", str(own), *languages]
        try:
            made = subprocess.run(
                command, capture_output=True, text=True, check=False, cwd=_ROOT, timeout=_MAKING_SECONDS
            )
        except subprocess.TimeoutExpired as exc:
            raise OSError(f"the tables of languages were not made within {_MAKING_SECONDS} s") from exc
        if made.returncode:
            raise OSError(f"the tables of languages could not be made: {made.stderr.strip()[-300:]}")
    return _opened(own)


def _name(languages: Sequence[str]) -> str:
    asked = sha256(" ".join(languages).encode()).hexdigest()[:12]
    return f"languages-{version('py3langid')}-{asked}"


def _opened(own: Path) -> Any:
    from py3langid.langid import LanguageIdentifier

    try:
        labels = json.loads((own / "labels.json").read_text(encoding="utf-8"))
        tables: list[Any] = [
            np.asarray(np.load(own / f"{name}.npy", mmap_mode="r", allow_pickle=False)) for name in _TABLES
        ]
    except ValueError as exc:
        raise OSError(f"the tables of languages in {own} are damaged; remove the folder: {exc}") from exc
    scores, priors, moves, rows, outputs = tables
    # Plain Python walks moves and outputs byte by byte: a memoryview gives it ints as fast as the array it replaces.
    return LanguageIdentifier(scores, priors, labels, memoryview(moves), memoryview(outputs), tk_row=memoryview(rows))


def make(own: Path, languages: Sequence[str]) -> None:
    """Write the tables for ``languages`` into the folder ``own``; whoever comes second leaves the first's."""
    identifier = in_memory(languages)
    own.parent.mkdir(parents=True, exist_ok=True)
    begun = Path(tempfile.mkdtemp(prefix=f"{own.name}.", dir=own.parent))
    try:
        tables = (
            np.ascontiguousarray(identifier.nb_ptc),
            identifier.nb_pc,
            np.asarray(identifier.tk_nextmove),
            np.asarray(identifier.tk_row),
            np.asarray(identifier.tk_output, dtype=np.int32),
        )
        for name, table in zip(_TABLES, tables, strict=True):
            np.save(begun / f"{name}.npy", table, allow_pickle=False)
        (begun / "labels.json").write_text(json.dumps(identifier.nb_classes), encoding="utf-8")
        try:
            begun.rename(own)
        except OSError:
            if not own.exists():
                raise
    finally:
        shutil.rmtree(begun, ignore_errors=True)


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2:])
