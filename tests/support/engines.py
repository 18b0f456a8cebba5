"""Pytest plugin: real PostgreSQL and Redis for the test run, in a data folder of its own, gone afterwards.

When tests run side by side (pytest-xdist), each of the processes has its own. Loaded with ``-p`` so that the
environment is set before pytest-django reads the settings. A ``DATABASE_URL`` or ``REDIS_URL`` that is set already is
used instead.
"""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
_root = Path(__file__).resolve().parents[2]
HOME = Path(os.environ.get("ALTLAS_HOME") or _root / ".altlas" / "test" / str(os.getpid())) / WORKER
os.environ["ALTLAS_HOME"] = str(HOME)
# The data is thrown away: durability would only cost time.
os.environ.setdefault("ALTLAS_POSTGRES_SETTINGS", "fsync=off,synchronous_commit=off,full_page_writes=off")
# What a busy machine makes slow must not add statements to tests that count them.
os.environ.setdefault("ALTLAS_ARCHIVE_SLOW_AFTER", "0")
# A pause of the machine is no outage of Redis.
os.environ.setdefault("ALTLAS_REDIS_TIMEOUT", "10")
_stack = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    if config.option.collectonly or config.option.help or (not WORKER and config.option.dist != "no"):
        return  # whoever only hands the tests out needs no engines
    from altlas.engines import conf
    from altlas.engines.hold import hold

    if conf.EMBEDS_POSTGRES or conf.EMBEDS_REDIS:
        _stack.enter_context(
            hold(conf.HOME, postgres=conf.EMBEDS_POSTGRES, redis=conf.EMBEDS_REDIS, settings=conf.POSTGRES_SETTINGS)
        )


def pytest_unconfigure(config: pytest.Config) -> None:
    _stack.close()
    if HOME.is_relative_to(_root / ".altlas" / "test"):
        shutil.rmtree(HOME, ignore_errors=True)
