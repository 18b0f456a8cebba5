"""What an idle runner does while it waits for a model, so that the load need not."""

from __future__ import annotations

import sys


def prepare(*, threads: int) -> None:
    """Start torch's threads and its kernels on something tiny; nothing when the fork server came without torch."""
    if "torch" not in sys.modules:
        return
    import torch

    torch.set_num_threads(threads)
    with torch.inference_mode():
        rows = torch.zeros(8, 64)
        torch.nn.functional.softmax(torch.nn.functional.linear(rows, torch.zeros(64, 64)), dim=-1)
