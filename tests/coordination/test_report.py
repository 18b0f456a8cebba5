"""The final report: every row with its evidence, in one file that needs no other."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from altlas.coordination import plots, requirements
from altlas.coordination.services import decision_record, evidence_record, item_override, risk_open
from tests.coordination.scenario import ended

pytestmark = pytest.mark.django_db

THRESHOLDS = [{"metric": "missed", "sign": "<=", "limit": 0, "unit": ""}]
SERIES = [{"name": "records met", "x": "walk", "y": "records", "points": [[0, 10], [1, 12], [2, 11]]}]


def written(folder: Path, language: str = "en") -> tuple[str, str]:
    call_command("report", "final", output=folder, language=language, stdout=StringIO())
    return (folder / "final.html").read_text(), (folder / "final.md").read_text()


def test_every_row_is_there_with_evidence_figure_date_and_command(tmp_path: Path) -> None:
    ended("archive.walks", "passed", metrics={"missed": 0.0}, thresholds=THRESHOLDS, series=SERIES)
    evidence_record(row="1.2.6", passed=True, actor="ada", note="read it", figure="2 readers")
    item_override(row="2.1.6", status="stale", reason="of last year", actor="ada")
    risk_open(kind="risk", title="a <b>bold</b> risk", severity=3, actor="ada")
    decision_record(text="keep | it", reason="cheap", actor="ada")
    html, markdown = written(tmp_path)
    for row in requirements.ROWS:
        assert f"| {row.row} | {row.title}" in markdown, row
        assert f">{row.row}</td>" in html, row
    line = next(line for line in markdown.splitlines() if line.startswith("| 2.2.5 |"))
    assert re.search(r"verified \| archive.walks: green \| missed 0 \| \d{4}-\d\d-\d\d \d\d:\d\d", line)
    assert "`manage.py verify archive.walks --load low`" in line
    assert "2 readers" in html and "of last year" in html and "keep \\| it" in markdown
    assert "a &lt;b&gt;bold&lt;/b&gt; risk" in html and "<b>bold" not in html


def test_the_page_stands_alone_and_has_plots_and_a_print_style(tmp_path: Path) -> None:
    ended("archive.walks", "passed", metrics={"missed": 0.0}, thresholds=THRESHOLDS, series=SERIES)
    html, _ = written(tmp_path)
    assert "<polyline" in html and "@media print" in html
    assert not re.search(r'<(script|img|iframe)|src="|url\(|@import', html)
    assert re.findall(r"<link[^>]*>", html) == ['<link rel="icon" href="data:,">']
    addresses = set(re.findall(r'https?://[^"\s<]+', html))
    assert {address.split("/")[2].split(":")[0] for address in addresses} <= {"www.w3.org", "127.0.0.1"}


def test_a_report_of_nothing_says_so(tmp_path: Path) -> None:
    html, markdown = written(tmp_path)
    assert "Nothing has been verified yet." in html
    assert markdown.count("not started") > 90


def test_a_plot_escapes_names_and_stays_within_its_frame() -> None:
    svg = plots.line_plot([{"name": "<x>", "x": "a", "y": "b", "points": [(0, -5), (10, 5)]}])
    assert "&lt;x&gt;" in svg and "<x>" not in svg
    points = re.search(r'points="([^"]+)"', svg)
    assert points is not None
    places = [tuple(map(float, pair.split(","))) for pair in points[1].split()]
    assert all(0 <= x <= 640 and 0 <= y <= 240 for x, y in places)
    assert plots.line_plot([]) == "" and plots.sparkline([]) == ""
    assert "polyline" in plots.sparkline([1.0])
