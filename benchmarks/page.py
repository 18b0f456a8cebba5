"""The page of figures: every benchmark's last output, each between marks of its own."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"


def write(name: str, body: str, *, heading: str = "") -> None:
    """Put ``body`` between the marks of ``name``; where they are not yet, at the end of the page below ``heading``."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else "# Benchmarks\n"
    section = f"{begin}\n\n{body.strip()}\n\n{end}"
    if begin in page:
        page = page[: page.index(begin)] + section + page[page.index(end) + len(end) :]
    else:
        above = f"\n{heading.strip()}\n" if heading and heading.strip() not in page else ""
        page = f"{page.rstrip()}\n{above}\n{section}\n"
    PAGE.write_text(page, encoding="utf-8")
