#!/usr/bin/env python
"""Command line of ALT_LAS. Starts the embedded engines first when a command needs them and none are named."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack

# Commands that touch no engine.
_OFFLINE = frozenset(
    {
        "help",
        "version",
        "--version",
        "--help",
        "settings_doc",
        "reference_doc",
        "collectstatic",
        "compilemessages",
        "makemessages",
    }
)


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "altlas.settings")
    from altlas.kernel.env import SettingError

    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line

        from altlas.engines import conf
        from altlas.engines.hold import hold
        from altlas.engines.layout import HomeUnusable
        from altlas.engines.privileges import CannotDropRoot
        from altlas.engines.process import EngineFailed
    except SettingError as exc:
        return _fail(exc)
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    try:
        with ExitStack() as stack:
            if command not in _OFFLINE and (conf.EMBEDS_POSTGRES or conf.EMBEDS_REDIS):
                stack.enter_context(
                    hold(
                        conf.HOME,
                        postgres=conf.EMBEDS_POSTGRES,
                        redis=conf.EMBEDS_REDIS,
                        settings=conf.POSTGRES_SETTINGS,
                    )
                )
            execute_from_command_line(sys.argv)
    except (SettingError, EngineFailed, CannotDropRoot, HomeUnusable, ImproperlyConfigured) as exc:
        return _fail(exc)
    return 0


def _fail(exc: Exception) -> int:
    print(f"error: {exc}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
