"""Running PostgreSQL for root, which it refuses.

Files of a checkout may be closed to every other user, so changing to another user is not enough. Two ways keep the
files readable without touching any permission outside the data folder:

1. a user namespace in which this user appears under an ordinary id (files stay owned by root outside of it);
2. where namespaces are forbidden (some containers), an ordinary user that keeps the one capability to pass
   file permissions.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_ORDINARY_USERS = ("postgres", "daemon", "nobody")


class CannotDropRoot(RuntimeError):
    """Neither way works on this machine."""


@dataclass(frozen=True, slots=True)
class Unprivileged:
    """A command prefix under which a program sees itself as an ordinary user."""

    prefix: tuple[str, ...]
    owner: int | None
    """User id that must own the data folder, when it is not the current one."""

    def give(self, folder: Path) -> None:
        if self.owner is not None and folder.stat().st_uid != self.owner:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self.owner, -1, follow_symlinks=False)


@cache
def unprivileged() -> Unprivileged:
    """Return how to run PostgreSQL's programs from this process.

    Raises:
        CannotDropRoot: running as root on a machine that allows neither way; says what to do.
    """
    if os.geteuid() != 0:
        return Unprivileged((), None)
    account = next(entry for name in _ORDINARY_USERS if (entry := _account(name)) is not None)
    namespace = ("unshare", "--user", f"--map-user={account.pw_uid}", f"--map-group={account.pw_gid}", "--")
    if _works(namespace):
        return Unprivileged(namespace, None)
    capability = (
        "setpriv",
        f"--reuid={account.pw_uid}",
        f"--regid={account.pw_gid}",
        "--clear-groups",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
        "--",
    )
    if _works(capability):
        return Unprivileged(capability, account.pw_uid)
    raise CannotDropRoot(
        "PostgreSQL does not run as root and this machine allows neither user namespaces nor setpriv; "
        "run as an ordinary user, or point DATABASE_URL at a PostgreSQL server."
    )


def _account(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _works(prefix: tuple[str, ...]) -> bool:
    if shutil.which(prefix[0]) is None:
        return False
    return subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
