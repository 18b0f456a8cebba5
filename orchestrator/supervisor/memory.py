"""How much memory there is, and how much of it processes hold."""

from __future__ import annotations

from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def machine_bytes() -> int:
    """Return the memory this process may use: the machine's, or its cgroup's limit when that is lower."""
    total = _meminfo("MemTotal")
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            text = (_CGROUP / name).read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            total = min(total, int(text))
    return total


def default_budget() -> int:
    return machine_bytes() // 2


def used_share() -> float:
    """Return the share of the memory this process may use that is in use: of its cgroup or of the machine, whichever
    is fuller. File pages that can be dropped do not count."""
    total = _meminfo("MemTotal")
    share = 1.0 - _meminfo("MemAvailable") / total
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        if limit.isdigit():
            current = int((_CGROUP / "memory.current").read_text())
            fields = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
            share = max(share, (current - int(fields.get("inactive_file", 0))) / int(limit))
    except OSError:
        pass
    return share


def progress(pid: int) -> tuple[int, int, int]:
    """Return what changes while ``pid`` gets on: bytes read, processor ticks, resident pages; zeros when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        read = Path(f"/proc/{pid}/io").read_text().split("\n", 1)[0].split()[1]
    except (OSError, IndexError):
        return 0, 0, 0
    return int(read), int(stat[11]) + int(stat[12]), int(stat[21])


def held(pid: int) -> dict[str, int]:
    """Return the bytes of ``pid`` as ``uss`` (private), ``pss`` (private and its share) and ``dirty`` (private, not
    backed by a file); empty when it is gone."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return {}
    fields = {line.split(":", 1)[0]: int(line.split()[1]) * 1024 for line in text.splitlines() if line.endswith("kB")}
    return {
        "uss": fields.get("Private_Clean", 0) + fields.get("Private_Dirty", 0),
        "pss": fields.get("Pss", 0),
        "dirty": fields.get("Private_Dirty", 0),
    }


def _meminfo(name: str) -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/meminfo has no {name}")
