from __future__ import annotations

import io
import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from altlas.kernel.clock import now
from archive import bulk, retention, services
from archive.doctor import Level, examine
from archive.models import AuditEntry, ImportMark, QueryPlan, Record, RecordRevision, RetentionRule
from archive.progress import Progress
from tests.archive.scenario import records

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("archive", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_what_is_exported_is_imported_again(ada: Any, bob: Any, tmp_path: Path, form: str) -> None:
    made = records(ada.pk, 30, tags=["a,b", 'c"d'], text='ş\n"x"', status="active")
    file = tmp_path / f"out.{form}"
    run("export", "--user", "ada", "--format", form, "--out", str(file))
    Record.objects.all().delete()
    assert json.loads(run("import", str(file), "--user", "bob"))["created"] == 30
    back = Record.objects.get(pk=made[0].pk)
    assert (back.owner_id, back.text, back.tags, back.payload) == (bob.pk, made[0].text, made[0].tags, made[0].payload)
    assert back.created_at == made[0].created_at


def test_an_import_goes_on_where_it_stopped(ada: Any, tmp_path: Path, monkeypatch: Any) -> None:
    # No ids: a row sent twice would be stored twice.
    file = tmp_path / "rows.ndjson"
    file.write_text("".join(json.dumps({"kind": "note", "title": str(number)}) + "\n" for number in range(5_000)))
    calls = 0
    real = bulk.records_import

    def failing(**members: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return real(**members)

    monkeypatch.setattr(bulk, "records_import", failing)
    with pytest.raises(KeyboardInterrupt):
        run("import", str(file), "--user", "ada")
    assert Record.objects.count() == ImportMark.objects.get().rows == 2_000
    found = json.loads(run("import", str(file), "--user", "ada"))
    assert found == {"created": 3_000, "exists": 0, "refused": 0, "skipped": 2_000}
    assert json.loads(run("import", str(file), "--user", "ada"))["skipped"] == 5_000
    assert Record.objects.values("title").distinct().count() == Record.objects.count() == 5_000


def test_bad_rows_are_named_and_the_others_stored(ada: Any, tmp_path: Path) -> None:
    file = tmp_path / "rows.ndjson"
    file.write_text('{"kind":"note"}\nnot json\n{"kind":"Bad Kind"}\n\n{"kind":"note"}\n')
    errors = io.StringIO()
    out = io.StringIO()
    call_command("archive", "import", str(file), "--user", "ada", stdout=out, stderr=errors)
    assert json.loads(out.getvalue()) == {"created": 2, "exists": 0, "refused": 2, "skipped": 0}
    assert "row 2:" in errors.getvalue() and "row 3: /kind" in errors.getvalue()


def test_all_or_nothing_leaves_nothing_when_the_last_row_is_bad(ada: Any, tmp_path: Path) -> None:
    file = tmp_path / "rows.ndjson"
    file.write_text('{"kind":"note"}\n' * 2_500 + "broken\n")
    with pytest.raises(CommandError):
        run("import", str(file), "--user", "ada", "--all-or-nothing")
    assert not Record.objects.exists() and not ImportMark.objects.exists()


def test_unknown_users_and_files_are_said_in_one_line(ada: Any, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no user carol"):
        run("export", "--user", "carol")
    with pytest.raises(CommandError, match="no file"):
        run("import", str(tmp_path / "none"), "--user", "ada")


def test_retention_tells_first_and_deletes_only_when_enabled(ada: Any, bob: Any) -> None:
    old = now() - timedelta(days=100)
    gone = records(ada.pk, 20, kind="chunk", created_at=old, status="active")
    records(bob.pk, 5, kind="chunk", created_at=old)
    records(ada.pk, 5, kind="chunk", created_at=now())
    records(ada.pk, 5, kind="topic", created_at=old)
    services.record_update(record_id=gone[0].pk, owner_id=ada.pk, changes={"title": "edited"})
    services.record_hold(record_id=gone[1].pk, on_hold=True, actor_id=ada.pk)
    rule = RetentionRule.objects.create(kind="chunk", days=30)
    assert "would delete, were it enabled, 24, 1 are on hold" in run("retain")
    assert run("retain", "--apply") == "" and Record.objects.count() == 35
    rule.enabled = True
    rule.save()
    assert "would delete 24" in run("retain") and Record.objects.count() == 35
    assert "deleted 24, 1 are on hold" in run("retain", "--apply")
    assert Record.objects.filter(kind="chunk", created_at=old).get().pk == gone[1].pk
    assert Record.objects.count() == 11 and not RecordRevision.objects.filter(record=gone[0].pk).exists()
    noted = {entry.owner_id: entry.detail["records"] for entry in AuditEntry.objects.filter(action="retention")}
    assert noted == {ada.pk: 19, bob.pk: 5}


def test_retention_works_in_batches(ada: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(retention, "_BATCH", 7)
    records(ada.pk, 30, kind="chunk", created_at=now() - timedelta(days=9))
    RetentionRule.objects.create(kind="chunk", days=1, enabled=True)
    (verdict,) = retention.apply()
    assert verdict.records == 30 and not Record.objects.exists()


def test_plans_of_the_own_queries_are_taken_and_kept(ada: Any) -> None:
    records(ada.pk, 500)
    said = run("explain", "--user", "ada", "--plans")
    names = set(QueryPlan.objects.values_list("name", flat=True))
    assert {"list -created_at", "list -created_at at 90 %", "search by words", "statistics from the view"} <= names
    assert "Index Scan" in said and "buffers" in said
    assert all(plan.buffers > 0 for plan in QueryPlan.objects.filter(name__startswith="list"))


def test_the_doctor_finds_what_is_wrong(ada: Any) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX test_twice ON archive_auditentry (record_id)")
    try:
        report = examine()
        subjects = {finding.subject: finding for finding in report.findings if finding.level is Level.WARNING}
        assert subjects["test_twice"].advice == "DROP INDEX CONCURRENTLY test_twice;"
        assert not report.healthy
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX test_twice")
    areas = {finding.area for finding in examine().findings}
    assert {"memory", "connections", "pool", "statistics", "statements"} <= areas
    assert {finding["area"] for finding in _json_report()} == areas


def _json_report() -> list[dict[str, Any]]:
    out = io.StringIO()
    with suppress(SystemExit):
        call_command("archive", "doctor", "--json", stdout=out)
    found: list[dict[str, Any]] = json.loads(out.getvalue())["findings"]
    return found


def test_a_progress_bar_is_for_terminals(tmp_path: Path) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for out, bar in ((Terminal(), True), (io.StringIO(), False)):
        progress = Progress(out, total=10, noun="rows")
        progress.add(5)
        progress.finish()
        assert ("[" in out.getvalue()) is bar and "5 rows" in out.getvalue()
