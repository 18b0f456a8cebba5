"""``make bench``: runs every benchmark, one after the other, each in a process of its own.

python -m benchmarks [--write] [name …]

With ``--write`` what each prints also goes into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
from pathlib import Path

from benchmarks.page import write

_FOLDER = Path(__file__).parent
_NOT_BENCHMARKS = {"__init__", "__main__", "machine", "page", "runner_variants"}


def names() -> list[str]:
    found = {path.stem for path in _FOLDER.glob("*.py")} - _NOT_BENCHMARKS
    return sorted(name for name in found if "def main(" in (_FOLDER / f"{name}.py").read_text(encoding="utf-8"))


def run(name: str, *, keep: bool) -> bool:
    """Run one benchmark, its output shown as it comes; return whether it exited with 0."""
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    with subprocess.Popen(command, cwd=_FOLDER.parent, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    good = process.returncode == 0
    # The segmentation benchmark writes its own tables, one at a time.
    if keep and good and name != "segmentation":
        source = (_FOLDER / f"{name}.py").read_text(encoding="utf-8")
        first = (ast.get_docstring(ast.parse(source)) or "").split("\n\n")[0].replace("\n", " ")
        write(name, "".join(lines), heading=f"## {name}\n\n{first}\n\n`python -m benchmarks.{name}`")
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    if unknown := set(given.names) - set(names()):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    failed = []
    for name in given.names or names():
        print(f"\n## benchmarks/{name}.py\n", flush=True)
        if not run(name, keep=given.write):
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
