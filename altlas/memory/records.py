"""Run records on disk: one JSON file per run, from which reports are made."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil


def machine() -> str:
    """Return one line about the machine that a run was made on."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = psutil.virtual_memory().total / 2**30
    load = os.getloadavg()[0]
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, load {load:.1f}"


def write(file: Path, record: Mapping[str, Any]) -> None:
    """Write a record as a whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps({"machine": machine(), **record}, indent=1) + "\n", encoding="utf-8")
    partial.replace(file)


def read_all(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the records of ``folder`` by file name."""
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))}
