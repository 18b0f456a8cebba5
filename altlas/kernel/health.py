"""Health for orchestrating machines: alive, and ready with the reasons when it is not."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from altlas.kernel.redis import client

Check = Callable[[], None]
_checks: dict[str, Check] = {}


def register_check(name: str, check: Check) -> None:
    """Add a readiness check: it returns when fine and raises, with the reason as message, when not."""
    _checks[name] = check


def livez(request: HttpRequest) -> JsonResponse:
    """Answer 200 while the process serves requests at all; touches no engine."""
    return JsonResponse({"status": "alive"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when every check passes, else 503 with the failing ones and why."""
    results: dict[str, dict[str, str]] = {}
    for name, check in _checks.items():
        try:
            check()
        except Exception as exc:  # any failure of a check is its answer
            results[name] = {"status": "failing", "reason": f"{type(exc).__name__}: {exc}".strip()[:300]}
        else:
            results[name] = {"status": "ok"}
    ready = all(result["status"] == "ok" for result in results.values())
    response = JsonResponse(
        {"status": "ready" if ready else "not ready", "checks": results}, status=200 if ready else 503
    )
    if not ready:
        response["Retry-After"] = "5"
    return response


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


_migrated = False


def _migrations() -> None:
    # Asked until it is true once: the set of applied migrations cannot shrink under a running process.
    global _migrated
    if _migrated:
        return
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if pending:
        raise RuntimeError(f"{len(pending)} migrations are not applied; run `manage.py migrate`")
    _migrated = True


def _redis() -> None:
    client("broker").ping()


register_check("database", _database)
register_check("migrations", _migrations)
register_check("redis", _redis)
