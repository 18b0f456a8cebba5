"""What a load says of the files it has mapped: as the kernel's own sum, page for page."""

from __future__ import annotations

import mmap
from pathlib import Path

import pytest

from orchestrator.runner import memory

PAGE = mmap.PAGESIZE


def test_pages_that_were_touched_count_and_others_do_not(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"x" * PAGE * 4096)
    with (tmp_path / "weights").open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        assert memory.mapped_bytes(tmp_path) == 0
        mapped.madvise(mmap.MADV_RANDOM)  # no pages around the touched ones
        assert {mapped[number * PAGE] for number in range(0, 4096, 4)} == {ord("x")}
        found = memory.mapped_bytes(tmp_path)
        of_kernel = sum(memory._bytes(sizes, "Rss:") for head, sizes in memory._mappings() if str(tmp_path) in head)
        assert found == of_kernel
        assert 1024 * PAGE <= found <= 4096 * PAGE
    assert memory.mapped_bytes(tmp_path) == 0
    assert memory.mapped_bytes(None) == 0


def test_without_the_page_table_the_sums_of_the_mappings_are_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weights").write_bytes(b"x" * PAGE * 16)
    with (tmp_path / "weights").open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        assert mapped[:].count(b"x") == PAGE * 16
        expected = memory.mapped_bytes(tmp_path)

        def closed(begin: int, end: int) -> int:
            raise PermissionError

        monkeypatch.setattr(memory, "_present", closed)
        assert memory.mapped_bytes(tmp_path) == expected == PAGE * 16
