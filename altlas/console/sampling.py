"""One sample a minute of everything that the services measure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from altlas.console.cards import cards
from altlas.kernel.ledger import operating
from altlas.kernel.models import Alert
from altlas.kernel.samples import samples_write


def series_of(shown: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return the measures of the cards by series name."""
    return {f"{card['name']}.{name}": float(value) for card in shown for name, value in card["measures"].items()}


def samples_take() -> int:
    """Keep one sample of each series; return how many there were."""
    counts = operating.counts()
    values = {
        **series_of(cards()),
        "console.waiting": float(counts["sent"] + counts["retry"]),
        "console.running": float(counts["started"]),
        "console.alerts": float(Alert.objects.filter(state=Alert.State.FIRING).count()),
    }
    samples_write(values)
    return len(values)
