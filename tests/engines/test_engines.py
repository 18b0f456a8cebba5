"""Embedded engines: shared, recovered after a crash, wherever the data folder lies, and gone when nobody needs them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from altlas.engines.hold import hold, revive
from altlas.engines.layout import Home, HomeUnusable, UnsafeRuntimeFolder
from altlas.engines.postgres import Postgres
from altlas.engines.process import EngineFailed
from altlas.engines.redis_server import RedisServer
from tests.support.processes import gone
from tests.support.stack import ROOT
from tests.support.waiting import eventually

FAST = ("fsync=off",)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    shutil.rmtree(tmp_path / "home", ignore_errors=True)


def scalar(home: Home, sql: str) -> object:
    with psycopg.connect(home.database_url, autocommit=True) as connection:
        row = connection.execute(sql).fetchone()
    return row and row[0]


def engine_pids(home: Home) -> list[int]:
    servers = (Postgres(home).process.running(), RedisServer(home).process.running())
    return [server.pid for server in servers if server is not None]


def test_data_survives_and_nothing_runs_after_the_last_holder(folder: Path) -> None:
    home = Home(folder)
    with hold(home, settings=FAST):
        assert int(str(scalar(home, "SHOW server_version_num"))) >= 180_000
        with psycopg.connect(home.database_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        with redis.Redis(unix_socket_path=str(home.redis_socket)) as server:
            server.set("kept", "8")
        with hold(home):
            pids = engine_pids(home)
        assert engine_pids(home) == pids, "an inner holder must not stop what the outer one uses"
    assert engine_pids(home) == []
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    with hold(home, settings=FAST):
        assert scalar(home, "SELECT n FROM kept") == 7
        with redis.Redis(unix_socket_path=str(home.redis_socket)) as server:
            assert server.get("kept") == b"8"


def test_a_path_too_long_for_a_socket_name_gets_private_sockets_elsewhere(tmp_path: Path) -> None:
    home = Home(tmp_path / ("deep" * 20) / ("deeper" * 20) / "home")
    assert len(os.fsencode(home.path)) > 107
    with hold(home, settings=FAST):
        sockets = home.sockets
        assert not sockets.is_relative_to(home.path)
        assert sockets.stat().st_mode & 0o777 == 0o700
        assert scalar(home, "SELECT 1") == 1
    assert not sockets.exists()


def test_a_checkout_that_others_cannot_enter_is_fine(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    home = Home(closed / "home")
    with hold(home, redis=False, settings=FAST):
        assert scalar(home, "SELECT 1") == 1
    assert closed.stat().st_mode & 0o777 == 0o700


def test_a_crashed_run_is_recovered_though_its_pids_belong_to_others_by_now(folder: Path) -> None:
    home = Home(folder)
    with hold(home, settings=FAST):
        for pid in engine_pids(home):
            psutil.Process(pid).kill()
            eventually(lambda pid=pid: gone(pid), within=60)
        # As after a reboot: files name a pid that lives and is somebody else's; sockets lie around.
        pid_file = home.postgres_data / "postmaster.pid"
        pid_file.write_text(f"{os.getpid()}\n{home.postgres_data}\n")
        (home.locks / "redis.pid").write_text(f"{os.getpid()}\n")
        assert sorted(revive(home, settings=FAST)) == ["PostgreSQL", "Redis"]
        assert scalar(home, "SELECT 1") == 1
    assert engine_pids(home) == []


def test_a_killed_server_is_replaced_once_what_it_left_has_ended(folder: Path) -> None:
    home = Home(folder)
    with hold(home, redis=False, settings=FAST):
        (pid,) = engine_pids(home)
        slow, *_ = psutil.Process(pid).children()
        slow.suspend()
        psutil.Process(pid).kill()
        eventually(lambda: gone(pid), within=60)
        noticing = threading.Timer(1, slow.resume)
        noticing.start()
        try:
            assert revive(home, redis=False, settings=FAST) == ["PostgreSQL"]
        finally:
            noticing.join()
        assert scalar(home, "SELECT 1") == 1


def test_a_holder_that_was_killed_lets_go(folder: Path) -> None:
    home = Home(folder)
    code = (
        "import sys, pathlib\nfrom altlas.engines.hold import hold\nfrom altlas.engines.layout import Home\n"
        f"with hold(Home(pathlib.Path({str(folder)!r})), settings=('fsync=off',)):\n"
        "    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdin and other.stdout
    with other.stdout, other.stdin:
        assert other.stdout.readline() == "held\n"
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert engine_pids(home), "engines are sessions of their own"
    with hold(home):
        pass
    assert engine_pids(home) == []


def test_two_homes_do_not_see_each_other(tmp_path: Path) -> None:
    first, second = Home(tmp_path / "one"), Home(tmp_path / "two")
    with hold(first, settings=FAST), hold(second, settings=FAST):
        with psycopg.connect(first.database_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE only_here ()")
        assert scalar(second, "SELECT to_regclass('only_here')") is None
        assert not set(engine_pids(first)) & set(engine_pids(second))


def test_a_folder_with_other_things_in_it_is_not_touched(folder: Path) -> None:
    home = Home(folder)
    home.postgres_data.mkdir(parents=True)
    (home.postgres_data / "thesis.odt").write_text("years of work")
    with pytest.raises(EngineFailed, match="neither empty nor a PostgreSQL cluster"), hold(home):
        pass
    assert (home.postgres_data / "thesis.odt").read_text() == "years of work"


def test_a_socket_folder_open_to_others_is_refused(folder: Path) -> None:
    home = Home(folder)
    home.create()
    home.sockets.chmod(0o755)
    with pytest.raises(UnsafeRuntimeFolder, match="mode 0700"):
        home.create()


def test_a_home_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeUnusable, match="ALTLAS_HOME"):
        Home(tmp_path / "file" / "home").create()
