"""Plots of memory against requests, as PNG and SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")  # no screen

from matplotlib.figure import Figure  # after the backend is chosen

_SIZE = (9.0, 4.5)


def curves(
    file: Path, lines: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, title: str, y: str
) -> list[Path]:
    """Draw ``lines`` (name -> requests and values) into ``file`` with the suffixes .png and .svg."""
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.add_subplot()
    for name, (requests, values) in lines.items():
        axes.plot(list(requests), list(values), label=name, linewidth=1.2)
    axes.set_title(title)
    axes.set_xlabel("requests")
    axes.set_ylabel(y)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    made = []
    for suffix in (".png", ".svg"):
        target = file.with_suffix(suffix)
        target.parent.mkdir(parents=True, exist_ok=True)
        # Without a date and with fixed ids, the same run gives the same file.
        with mpl.rc_context({"svg.hashsalt": "altlas"}):
            figure.savefig(target, dpi=110, metadata={"Date": None} if suffix == ".svg" else {"Software": None})
        made.append(target)
    return made


def soak_plot(file: Path, record: Mapping[str, Any]) -> list[Path]:
    lines = {
        name: (process["requests"], [value / 2**20 for value in process["series"]["anon"]])
        for name, process in record["processes"].items()
    }
    title = f"{record['requests']} requests, {record['model']}: {record['answer']}"
    return curves(file, lines, title=title, y="anonymous memory, MB")


def levels_plot(file: Path, records: Sequence[Mapping[str, Any]]) -> list[Path]:
    lines = {
        f"{record['name']}, {record['level']}": (record["curve"]["requests"], record["curve"]["mebibytes"])
        for record in records
    }
    return curves(file, lines, title="Memory of the process tree under load", y="PSS of the tree, MiB")
