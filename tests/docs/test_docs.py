"""The documents keep up with the code: what exists is written down, and what is written works."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.support.stack import ADMIN, ROOT, Stack

DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [ROOT / "README.md", *DOCS]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.stack
@pytest.mark.slow
def test_the_walk_with_curl_works_when_pasted(stack: Stack, tmp_path: Path) -> None:
    """The README's shell block, as a person would run it: typed answers on standard input."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    (block,) = [block for block in blocks if "/api/v1/auth/token" in block]
    script = (
        block.replace("http://127.0.0.1:8000", stack.url)
        .replace(".altlas/", f"{shlex.quote(str(tmp_path))}/")
    )  # fmt: skip
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT, env={**stack.environment, "no_proxy": "127.0.0.1"}, input=f"{ADMIN[0]}\n{ADMIN[1]}\n",
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"operator  {ADMIN[0]}" in done.stdout
    assert '"status":"succeeded"' in done.stdout.replace(" ", "")
    assert "<mark>" in done.stdout
    assert "token_invalid" in done.stdout
    assert list(tmp_path.iterdir()) == []
