"""Checks of ``make test`` that are commands of their own; prints each and stops at the first that fails."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".altlas" / "gates"

PRODUCTION = {
    "ALTLAS_ENVIRONMENT": "production",
    "ALTLAS_SECRET_KEY": secrets.token_urlsafe(64),
    "ALTLAS_KEK": secrets.token_urlsafe(32),
    "ALTLAS_ALLOWED_HOSTS": "segments.example.org",
}
GATES = {
    "migrations are complete": (["makemigrations", "--check", "--dry-run"], {}),
    "checks for deployment are clean": (["check", "--deploy", "--fail-level", "WARNING"], PRODUCTION),
    "the OpenAPI document is valid and without warnings": (
        ["spectacular", "--validate", "--fail-on-warn", "--file", os.devnull],
        {},
    ),
    "docs/settings.md is current": (["settings_doc", "--check"], {}),
    "docs/reference.md is current": (["reference_doc", "--check"], {}),
}


def main() -> int:
    try:
        for name, (arguments, more) in GATES.items():
            done = subprocess.run(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT, env={**os.environ, "ALTLAS_HOME": str(HOME), **more}, check=False,
            )  # fmt: skip
            print(f"{'ok' if done.returncode == 0 else 'FAILED'}: {name}", flush=True)
            if done.returncode != 0:
                return 1
    finally:
        shutil.rmtree(HOME, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
