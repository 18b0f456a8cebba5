"""What this process holds, from the kernel's books, the allocator's and Python's; and giving it back."""

from __future__ import annotations

import ctypes
import functools
import gc
import os
import resource
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.runner.shapes import SEEN

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_MMAP_THRESHOLD = 4 * 2**20
_MADV_DONTNEED = 4


class _Mallinfo2(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    ]  # fmt: skip


# The exit status of a runner that went over its memory limit.
MEMORY_STATUS = 77


def limit_data(more: int) -> None:
    """Refuse this process ``more`` bytes of private memory than it has now; 0 sets no limit."""
    if more <= 0:
        return
    _soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bound = _status("VmData") + more
    if hard == resource.RLIM_INFINITY or bound < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (bound, hard))


def is_exhaustion(exc: BaseException) -> bool:
    """Whether ``exc`` says that an allocation was refused; torch raises it as a plain RuntimeError."""
    return isinstance(exc, MemoryError) or "allocate memory" in str(exc)


def mapped_bytes(folder: Path | None) -> int:
    """Return the resident bytes of files below ``folder`` that are mapped into this process.

    Page by page (``man 5 proc_pid_pagemap``): asking for all mappings' sums takes 24 ms, while somebody waits for the
    load.
    """
    if folder is None:
        return 0
    of_folder = [line for line in Path("/proc/self/maps").read_text().splitlines() if str(folder) in line]
    try:
        return sum(_present(*_span(line)) for line in of_folder)
    except OSError:  # a kernel that keeps the pages to itself
        return sum(_bytes(sizes, "Rss:") for head, sizes in _mappings() if str(folder) in head)


def _span(mapping: str) -> tuple[int, int]:
    """Return the first address of a mapping and the one behind its last."""
    begin, end = (int(part, 16) for part in mapping.split(None, 1)[0].split("-"))
    return begin, end


def _present(begin: int, end: int) -> int:
    """Return the bytes between two addresses that are in this process's page table."""
    page = os.sysconf("SC_PAGE_SIZE")
    with Path("/proc/self/pagemap").open("rb", buffering=0) as pages:
        entries = os.pread(pages.fileno(), (end - begin) // page * 8, begin // page * 8)
    return page * int(np.count_nonzero(np.frombuffer(entries, dtype="<u8") >> np.uint64(63)))


def _mappings() -> Iterator[tuple[str, list[str]]]:
    """Yield the first line of each mapping of this process and the lines that follow it (``man 5 proc_pid_smaps``)."""
    lines = Path("/proc/self/smaps").read_text().splitlines()
    heads = [at for at, line in enumerate(lines) if not line.split(None, 1)[0].endswith(":")]
    for at, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        yield lines[at], lines[at + 1 : end]


def _bytes(sizes: list[str], name: str) -> int:
    return next(int(line.split()[1]) * 1024 for line in sizes if line.startswith(name))


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    return 0


@functools.cache
def _libc() -> Any:
    """Return the C library, opened once: each opening makes a class, a cycle that waits for the collector."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallinfo2"):
        libc.mallinfo2.restype = _Mallinfo2
    return libc


def allocator() -> str:
    """Return which malloc serves this process: ``glibc``, ``jemalloc``, ``mimalloc``, ``tcmalloc`` or ``other``."""
    maps = Path("/proc/self/maps").read_text()
    for name in ("jemalloc", "mimalloc", "tcmalloc"):
        if f"lib{name}" in maps:
            return name
    return "glibc" if hasattr(_libc(), "mallinfo2") else "other"


def settle() -> None:
    """Bound the allocator's appetite (docs/decisions/0034); does nothing where malloc is not glibc's."""
    if allocator() != "glibc":
        return
    libc = _libc()
    libc.mallopt(_M_ARENA_MAX, 2)
    # Fixed: left alone, glibc raises it with every large block that is freed, and those then fragment the heap.
    libc.mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD)
    libc.mallopt(_M_TRIM_THRESHOLD, 2 * _MMAP_THRESHOLD)


def trim() -> None:
    """Collect cycles and give freed heap pages back to the system."""
    gc.collect()
    if hasattr(_libc(), "malloc_trim"):
        _libc().malloc_trim(0)


def unmap_unused() -> None:
    """Take the pages of libraries out of this process; what is needed comes back from the page cache at its next use.

    Half of what a process maps of torch's libraries serves its import alone. Only where nothing was ever written: a
    page that the linker has relocated is a copy of its own and would be lost.
    """
    for head, sizes in _mappings():
        _, access, *rest = head.split(None, 5)
        of_file = len(rest) == 4 and rest[3].startswith("/")
        if of_file and "w" not in access and "p" in access and _bytes(sizes, "Anonymous:") == 0:
            begin, end = _span(head)
            _libc().madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), _MADV_DONTNEED)


def heap() -> dict[str, int]:
    """Return the allocator's bytes ``in_use`` and ``free``; zeros where it does not say."""
    if not hasattr(_libc(), "mallinfo2"):
        return {"in_use": 0, "free": 0}
    info = _libc().mallinfo2()
    return {"in_use": int(info.uordblks + info.hblkhd), "free": int(info.fordblks)}


HEAP = threading.Lock()  # held by whoever walks the heap: two at once would see each other's lists


def report() -> dict[str, Any]:
    """Return what only the process itself knows; cheap enough for every sign of life.

    ``tensors`` counts those made since the warm-up: what existed then is frozen and not looked at.
    """
    with HEAP:
        tensors, tensor_bytes, graphs, modules = _tensors()
    return {
        **{f"heap_{name}": value for name, value in heap().items()},
        "python_blocks": sys.getallocatedblocks(),
        "tensors": tensors,
        "tensor_bytes": tensor_bytes,
        "graphs": graphs,
        "modules": modules,
        "shapes": len(SEEN),
        "threads": threading.active_count(),
    }


def _tensors() -> tuple[int, int, int, int]:
    torch = sys.modules.get("torch")
    if torch is None:
        return 0, 0, 0, 0
    count = size = graphs = modules = 0
    for thing in gc.get_objects():
        kind = type(thing)
        if issubclass(kind, torch.Tensor):
            count += 1
            size += thing.numel() * thing.element_size()
            graphs += thing.grad_fn is not None
        elif issubclass(kind, torch.nn.Module):
            modules += 1
    return count, size, graphs, modules
