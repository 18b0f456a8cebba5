"""Where the embedded engines keep their data, sockets and locks."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

# sizeof(sockaddr_un.sun_path) is 108 with the closing NUL on Linux.
_LONGEST_SOCKET_PATH = 107
_POSTGRES_SOCKET = ".s.PGSQL.5432"


class HomeUnusable(RuntimeError):
    """The data folder cannot be made or written; the message says why."""


class UnsafeRuntimeFolder(HomeUnusable):
    """The folder for sockets belongs to somebody else or can be entered by others."""


@dataclass(frozen=True, slots=True)
class Home:
    """The data folder (``ALTLAS_HOME``) of one installation."""

    path: Path

    @property
    def postgres_data(self) -> Path:
        return self.path / "postgres"

    @property
    def redis_data(self) -> Path:
        return self.path / "redis"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def locks(self) -> Path:
        return self.path / "run"

    @property
    def sockets(self) -> Path:
        """The folder of the sockets: inside the home, or a private one elsewhere when the home's path is too long."""
        inside = self.path / "run"
        if len(os.fsencode(inside / _POSTGRES_SOCKET)) <= _LONGEST_SOCKET_PATH:
            return inside
        digest = hashlib.sha256(os.fsencode(self.path.resolve())).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"altlas-{os.getuid()}-{digest}"

    @property
    def redis_socket(self) -> Path:
        return self.sockets / "redis.sock"

    @property
    def database_url(self) -> str:
        return f"postgresql://altlas@/altlas?host={quote(str(self.sockets), safe='')}"

    @property
    def redis_url(self) -> str:
        return f"unix://{quote(str(self.redis_socket))}?db=0"

    def create(self) -> None:
        """Make the folders, readable by this user alone.

        Raises:
            HomeUnusable: they cannot be made or written.
            UnsafeRuntimeFolder: the socket folder exists and is not ours alone.
        """
        try:
            for folder in (self.path, self.locks, self.logs, self.redis_data):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.sockets.mkdir(mode=0o700, exist_ok=True)
        except OSError as exc:
            raise HomeUnusable(
                f"ALTLAS_HOME={self.path} cannot be used ({exc.strerror}); name another folder."
            ) from exc
        if not os.access(self.locks, os.W_OK | os.X_OK):
            raise HomeUnusable(f"ALTLAS_HOME={self.path} cannot be written by this user; name another folder.")
        found = self.sockets.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise UnsafeRuntimeFolder(
                f"{self.sockets} must be a folder of user {os.getuid()} with mode 0700; remove it and start again."
            )

    def remove_sockets(self) -> None:
        """Remove the private socket folder when it lies outside the home; called after the engines stopped."""
        if self.sockets != self.locks and self.sockets.is_dir():
            for left in self.sockets.iterdir():
                left.unlink(missing_ok=True)
            self.sockets.rmdir()
