"""What a process loads once and keeps is taken out of the garbage collector's sight.

Python's full collection waits until a quarter as many objects have survived as there are: with a loaded Django that is
some ten thousand requests, whose cycles pile up meanwhile (memory that looks like a leak), and then it walks everything
for 130 ms while a request waits. Frozen, what was loaded counts no more: collections are frequent and small.
"""

from __future__ import annotations

import gc


def settle() -> None:
    """Call once a process has loaded what it serves with."""
    gc.collect()
    gc.freeze()
