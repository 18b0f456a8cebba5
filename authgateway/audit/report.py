"""The security analysis report: the matrix, the attack list, and stock simplejwt measured beside the gateway."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from authgateway.audit.attacks import ATTACKS
from authgateway.audit.verdicts import Results, Verdict

_ROW = re.compile(r"test_attack_(\d\d)_")


def markdown(
    verdicts: Sequence[Verdict], *, weak: Sequence[Verdict], results: Results, measured: Mapping[str, Any]
) -> str:
    return "\n".join(
        [
            "# API-089: the refresh token that could be abused",
            "",
            "Written by `manage.py authgateway audit --report docs/reports/api-089.md`; every figure and result below "
            "comes from a run. `docs/security.md` describes the design, `docs/decisions/005*` the choices.",
            "",
            *_summary(verdicts, weak, results),
            *_measured(measured),
            *_attacks(results, measured),
            *_matrix(verdicts, weak),
        ]
    )


def _summary(verdicts: Sequence[Verdict], weak: Sequence[Verdict], results: Results) -> Iterable[str]:
    states = Counter(verdict.state for verdict in verdicts)
    with_setting = [verdict for verdict in weak if verdict.row.check is not None]
    caught = sum(verdict.setting_ok is False for verdict in with_setting)
    ends = Counter(results.values())
    yield "## In short"
    yield ""
    yield f"- {len(verdicts)} requirements: {_counted(states)}."
    yield f"- Tests the verdicts lean on: {_counted(ends)} (tests of `tests/authgateway` whose last result is known)."
    yield (
        f"- Against a deliberately weak configuration (`authgateway audit --weak`) {caught} of the {len(with_setting)} "
        "requirements that a setting decides fail, as they must."
    )
    yield ""


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"


def _measured(measured: Mapping[str, Any]) -> Iterable[str]:
    yield "## Measured against stock simplejwt"
    yield ""
    if not measured:
        yield "Not measured yet: `python -m benchmarks.auth --write docs/reports/api-089.json`."
        yield ""
        return
    yield "`python -m benchmarks.auth --write docs/reports/api-089.json`: both in one process, in turns."
    yield ""
    yield "| | simplejwt 5.5.1 + blacklist | authgateway | ours / stock |"
    yield "|---|---|---|---|"
    for what in ("verify", "refresh"):
        for key in ("p50_ms", "p99_ms"):
            stock, ours = measured[what]["stock"][key], measured[what]["ours"][key]
            yield f"| {what}, {key.replace('_', ' ')} | {stock} | {ours} | {ours / stock:.2f} |"
    stock, ours = measured["rate"]["stock"], measured["rate"]["ours"]
    yield f"| refreshes per second | {stock} | {ours} | {ours / stock:.2f} |"
    for key, text in (
        ("verify", "SQL statements per verified request"),
        ("refresh", "SQL statements per refresh"),
        ("in_transaction", "of them between BEGIN and COMMIT"),
    ):
        yield f"| {text} | {measured['statements']['stock'][key]} | {measured['statements']['ours'][key]} | |"
    yield ""
    yield f"{measured['machine']}."
    yield ""


def _attacks(results: Results, measured: Mapping[str, Any]) -> Iterable[str]:
    old = {item["row"]: item for item in measured.get("attacks", [])}
    yield "## Attack vectors"
    yield ""
    yield "Where a cell says what stock simplejwt answers, that was measured; the others were not tried on it."
    yield ""
    yield "| # | attack | must be answered | simplejwt 5.5.1 + blacklist | measured here | tests |"
    yield "|---|---|---|---|---|---|"
    for number, (attack, answer) in ATTACKS.items():
        row = f"{number:02d}"
        ends = Counter(end for test, end in results.items() if (found := _ROW.match(test)) and found[1] == row)
        beside = old.get(row, {})
        cells = [row, attack, answer, beside.get("stock", ""), beside.get("ours", ""), _counted(ends)]
        yield f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
    yield ""


def _matrix(verdicts: Sequence[Verdict], weak: Sequence[Verdict]) -> Iterable[str]:
    yield "## Requirements"
    yield ""
    yield "| standard | id | requirement | setting | test | last result | verdict | when set weakly |"
    yield "|---|---|---|---|---|---|---|---|"
    for verdict, weakly in zip(verdicts, weak, strict=True):
        row = verdict.row
        tests = ", ".join(f"`{name}…`" for name in row.tests)
        under = "" if row.check is None else ("fails" if weakly.setting_ok is False else "holds")
        cells = [row.standard, row.id, row.requirement, verdict.setting, tests, verdict.test, verdict.state, under]
        yield f"| {' | '.join(cells)} |"
    yield ""
