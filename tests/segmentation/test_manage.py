"""``manage.py segment`` and ``manage.py alt``."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from archive.models import Record
from authgateway.models import User

TEXT = "Dr. Kaya geldi. 19. yüzyılı <anlattı>. Sonra gitti."
pytestmark = pytest.mark.django_db


def manage(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "a.txt"
    path.write_text(TEXT, encoding="utf-8")
    return str(path)


def test_files_are_segmented_as_text_json_and_html(file: str, tmp_path: Path) -> None:
    assert manage("segment", file).splitlines() == ["Dr. Kaya geldi.", "19. yüzyılı <anlattı>.", "Sonra gitti."]
    found: list[dict[str, Any]] = json.loads(manage("segment", file, file, "--format", "json"))
    assert len(found) == 2
    assert "".join(segment["text"] for segment in found[0]["segments"]) == TEXT
    page = manage("segment", file, "--format", "html")
    assert page.count("<span") == 3
    assert "&lt;anlattı&gt;" in page
    target = tmp_path / "out.txt"
    assert manage("segment", file, "--output", str(target)) == ""
    assert target.read_text(encoding="utf-8").count("\n") == 3


def test_chunks_and_commands_take_their_options(file: str) -> None:
    arguments = ("segment", file, "--strategy", "chunk", "-o", "max_tokens=12", "-o", "unit=characters")
    found = json.loads(manage(*arguments, "--format", "json"))[0]
    assert all(len(segment["text"]) <= 12 for segment in found["segments"])
    with pytest.raises(CommandError, match="max_tokens"):
        manage("segment", file, "--strategy", "chunk", "-o", "max_tokens=2")


def test_a_file_that_is_not_utf8_is_named_and_the_others_are_done(file: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"a\xff")
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(CommandError, match="1 of 2"):
        call_command("segment", str(bad), file, stdout=out, stderr=err)
    assert "bad.txt" in err.getvalue()
    assert out.getvalue().count("\n") == 3


def test_with_an_owner_the_result_is_kept(file: str, user: User) -> None:
    manage("segment", file, "--owner", user.get_username())
    record = Record.objects.get()
    assert record.owner_id == user.pk
    assert record.text == TEXT
    with pytest.raises(CommandError):
        manage("segment", file, "--owner", "nobody-at-all")
    assert Record.objects.count() == 1


def test_alt_documents_are_written_checked_and_taken_in(tmp_path: Path, user: User) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(manage("alt", "export", "--command", "Raporu bulup Ali'ye gönder"), encoding="utf-8")
    assert "2 segments, in order: seg_1, seg_2" in manage("alt", "check", str(path))
    manage("alt", "import", str(path), "--owner", user.get_username())
    assert Record.objects.get().kind == "alt-document"
    path.write_text(path.read_text(encoding="utf-8").replace("seg_1", "seg_2"), encoding="utf-8")
    with pytest.raises(CommandError, match="unique"):
        manage("alt", "check", str(path))
