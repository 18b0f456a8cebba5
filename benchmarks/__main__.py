"""``make bench``: runs every benchmark, one after the other, each in a process of its own.

python -m benchmarks [name …]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_FOLDER = Path(__file__).parent
_NOT_BENCHMARKS = {"__init__", "__main__", "machine", "runner_variants"}


def names() -> list[str]:
    found = {path.stem for path in _FOLDER.glob("*.py")} - _NOT_BENCHMARKS
    return sorted(name for name in found if "def main(" in (_FOLDER / f"{name}.py").read_text(encoding="utf-8"))


def main() -> int:
    wanted = sys.argv[1:] or names()
    if unknown := set(wanted) - set(names()):
        print(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(names())}", file=sys.stderr)
        return 2
    failed = []
    for name in wanted:
        print(f"\n## benchmarks/{name}.py\n", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=_FOLDER.parent, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
