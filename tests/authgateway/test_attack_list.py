"""Every row of the attack list has a test that carries its number."""

from __future__ import annotations

import re
from pathlib import Path

_NAME = re.compile(r"^def test_attack_(\d\d)_", re.MULTILINE)
ROWS = set(range(1, 61))


def covered() -> set[int]:
    found = (path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    return {int(number) for text in found for number in _NAME.findall(text)}


def test_every_row_of_the_attack_list_has_a_test() -> None:
    assert covered() == ROWS, f"without a test: {sorted(ROWS - covered())}; unknown: {sorted(covered() - ROWS)}"
