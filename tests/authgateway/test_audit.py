"""``manage.py authgateway audit``: holds here, and finds what is weak."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from authgateway.audit import verdicts
from authgateway.audit.attacks import ATTACKS
from authgateway.audit.rows import ROWS
from authgateway.audit.weak import weakened
from authgateway.conf import conf
from tests.authgateway.test_attack_list import ROWS as ATTACK_ROWS

NAMES = {
    name
    for path in Path(__file__).parent.glob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
}
ALL_PASSED = dict.fromkeys(NAMES, "passed")


def test_every_test_that_a_requirement_names_exists() -> None:
    for row in ROWS:
        for named in row.tests:
            assert any(name.startswith(named) for name in NAMES), (row.id, named)


def test_every_requirement_has_a_setting_or_a_test() -> None:
    assert all(row.check is not None or row.tests for row in ROWS)
    assert len({(row.standard, row.id) for row in ROWS}) == len(ROWS)


def test_the_attack_list_of_the_report_is_complete() -> None:
    assert set(ATTACKS) == ATTACK_ROWS


def test_nothing_fails_in_the_configuration_as_delivered() -> None:
    found = verdicts.audit(ALL_PASSED)
    assert not [verdict for verdict in found if verdict.state == "fails"]
    still_open = {verdict.row.id for verdict in found if verdict.state == "open"}
    assert still_open <= {"V3.3.1", "V6.3.5"}  # HTTPS and alerts are the installation's to set


def test_every_setting_fails_when_it_is_set_weakly() -> None:
    before = conf.access_seconds
    with weakened():
        found = verdicts.audit(ALL_PASSED)
    held = [verdict.row.id for verdict in found if verdict.row.check is not None and verdict.state != "fails"]
    assert held == []
    assert conf.access_seconds == before


def test_a_failed_or_missing_test_is_not_a_pass() -> None:
    row = next(row for row in ROWS if row.id == "V9.1.2")
    some = {"test_attack_01_x": "passed", "test_attack_02_x": "passed", "test_attack_03_x": "passed"}

    def outcome(**changes: str) -> str:
        found = verdicts.audit({**some, **changes})
        return next(verdict.test for verdict in found if verdict.row is row)

    assert outcome() == "passed"
    assert outcome(test_attack_03_y="failed") == "failed"
    assert outcome(test_attack_03_x="skipped") == "not run"


def test_the_command_fails_on_a_weak_configuration(capsys) -> None:
    with pytest.raises(CommandError, match="requirements fail"):
        call_command("authgateway", "audit", "--weak")
    assert "fails" in capsys.readouterr().out


def test_the_matrix_is_readable_by_machines(capsys) -> None:
    call_command("authgateway", "audit", "--json")
    rows = json.loads(capsys.readouterr().out)
    assert {"standard", "id", "requirement", "setting", "tests", "last_result", "state"} <= set(rows[0])
    assert {row["standard"] for row in rows} == {"ASVS 5.0", "RFC 9700", "RFC 8725"}


def test_results_are_read_from_the_test_runners_file(tmp_path) -> None:
    file = tmp_path / "junit.xml"
    file.write_text(
        "<testsuites><testsuite>"
        '<testcase name="test_a[1]"/><testcase name="test_a[2]"><failure/></testcase><testcase name="test_a[3]"/>'
        '<testcase name="test_b[1]"><skipped/></testcase><testcase name="test_b[2]"/>'
        '<testcase name="test_c"><skipped/></testcase><testcase name="test_d"><error/></testcase>'
        "</testsuite></testsuites>"
    )
    assert verdicts.from_junit(file) == {
        "test_a": "failed",
        "test_b": "passed",
        "test_c": "skipped",
        "test_d": "failed",
    }
    file.write_text("no xml")
    with pytest.raises(ValueError, match="not a JUnit file"):
        verdicts.from_junit(file)


def test_the_report_is_written_from_what_was_measured(tmp_path) -> None:
    report = tmp_path / "report.md"
    call_command("authgateway", "audit", "--report", str(report))
    text = report.read_text(encoding="utf-8")
    assert all(f"| {number:02d} | " in text for number in ATTACKS)
    assert all(f"| {row.standard} | {row.id} | " in text for row in ROWS)
