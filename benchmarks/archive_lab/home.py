"""The installation that the measurements run in: engines of its own, so that the data outlives one run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What an operator would set on a machine of this size; said in every report.
POSTGRES = ("shared_buffers=512MB", "max_wal_size=4GB", "maintenance_work_mem=512MB", "synchronous_commit=off")


@contextmanager
def opened(rows: int) -> Iterator[None]:
    """Run the block inside the migrated installation for ``rows`` rows (folder: ALTLAS_BENCH_HOME)."""
    folder = Path(os.environ.get("ALTLAS_BENCH_HOME", ROOT / ".altlas" / "bench")) / str(rows)
    os.environ["ALTLAS_HOME"] = str(folder)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "altlas.settings")
    os.environ["ALTLAS_DB_STATEMENT_TIMEOUT_MS"] = "0"
    import django
    from django.core.management import call_command

    from altlas.engines import conf
    from altlas.engines.hold import hold

    with hold(conf.HOME, settings=POSTGRES):
        django.setup()
        call_command("migrate", verbosity=0)
        yield
        from django.db import connections

        for connection in connections.all():
            connection.close()
            if getattr(connection, "pool", None):
                connection.close_pool()
