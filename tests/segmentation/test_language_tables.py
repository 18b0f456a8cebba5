"""Tables of languages in files that processes share."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from segmentation.algorithms import identifier, language

LANGUAGES = sorted(language.DETECTED)
TEXTS = (
    "Zwischen hohen Bergen liegt unser kleines Dorf. Abends läuten dort Glocken.",
    "Le chat dort sur le tapis rouge.",
    "Mnoho psů a koček běhalo kolem domu.",
    "Kurul kararı erteledi.",
    "猫が庭で眠っている。",
    "Кошка спит на ковре.",
    "0123 4567",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("derived")
    identifier.mapped(LANGUAGES, folder)
    return folder


def test_the_tables_in_files_tell_what_those_in_memory_do(folder: Path) -> None:
    shared, own = identifier.mapped(LANGUAGES, folder), identifier.in_memory(LANGUAGES)
    assert [shared.classify(text) for text in TEXTS] == [own.classify(text) for text in TEXTS]


def test_they_are_made_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identifier.subprocess, "run", None)
    assert identifier.mapped(LANGUAGES, folder).classify(TEXTS[0])[0] == "de"


def test_whoever_makes_them_second_leaves_the_first_ones_and_no_rest(tmp_path: Path) -> None:
    own = tmp_path / "tables"
    identifier.make(own, ("de", "en"))
    first = (own / "labels.json").stat().st_ino
    identifier.make(own, ("de", "en"))
    assert (own / "labels.json").stat().st_ino == first
    assert [path.name for path in tmp_path.iterdir()] == ["tables"]


@pytest.mark.parametrize("fault", ["damaged", "unwritable"])
def test_without_usable_files_a_process_holds_the_tables_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    if fault == "damaged":
        identifier.mapped(LANGUAGES, tmp_path)
        for table in tmp_path.glob("*/moves.npy"):
            table.write_bytes(b"nothing")
    else:
        (tmp_path / "taken").write_text("a file where the folder should be")
        tmp_path = tmp_path / "taken"
    monkeypatch.setattr(language, "_folder", tmp_path)
    language._identifier.cache_clear()
    try:
        with caplog.at_level(logging.WARNING):
            assert language.detect(TEXTS[0]) == "de"
        assert "holds the tables of languages itself" in caplog.text
    finally:
        language._identifier.cache_clear()
