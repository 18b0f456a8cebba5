"""Registers the verifications of segmentation; found by ``altlas.coordination``."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial

from altlas.kernel.verification import Load, Threshold, Verification, register
from segmentation.verification import pressure

_FAULT = "a model that keeps a mebibyte of every request"
# Caches and thread stacks still fill within so few requests; the soak judges what remains.
_MEMORY_KB, _SOAK_KB = 160.0, 48.0

# The sabotage is in the model that the run itself registers, so nothing of this process has to be broken.
MEMORY = register(
    Verification(
        name="segmentation.memory",
        title="Memory of the whole process tree stays flat under low, mid and high load",
        rows=("1.1.1", "1.1.2", "1.2.1", "1.3.3"),
        parameters={
            Load.LOW: {"threads": 1, "warm_up": 60, "blocks": 6, "block": 15},
            Load.MID: {"threads": 4, "warm_up": 120, "blocks": 10, "block": 60},
            Load.HIGH: {"threads": 12, "warm_up": 160, "blocks": 10, "block": 100},
        },
        thresholds=(
            Threshold(metric="growth_kb_per_request", sign="<=", limit=_MEMORY_KB, unit=" KB"),
            Threshold(metric="failed_requests", sign="<=", limit=0),
        ),
        run=partial(pressure.run, budget_kb=_MEMORY_KB),
        sabotage=nullcontext,
        fault=_FAULT,
        seconds=900.0,
        full=(Load.LOW, Load.MID, Load.HIGH),
    )
)
SOAK = register(
    Verification(
        name="segmentation.soak",
        title="The requests of a day, compressed: no slope is left",
        rows=("1.3.4",),
        parameters={
            Load.LOW: {"threads": 4, "warm_up": 60, "blocks": 8, "block": 20},
            Load.MID: {"threads": 4, "warm_up": 200, "blocks": 15, "block": 100},
            # 8,640: one request every ten seconds for a day.
            Load.HIGH: {"threads": 4, "warm_up": 440, "blocks": 20, "block": 410},
        },
        thresholds=(
            Threshold(metric="growth_kb_per_request", sign="<=", limit=_SOAK_KB, unit=" KB"),
            Threshold(metric="failed_requests", sign="<=", limit=0),
        ),
        run=partial(pressure.run, budget_kb=_SOAK_KB),
        sabotage=nullcontext,
        fault=_FAULT,
        seconds=5400.0,
        full=(Load.MID,),
    )
)
