"""``manage.py settings_doc``: writes docs/settings.md from the declarations themselves."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings

from altlas.kernel.env import REGISTRY, Setting
from altlas.management.generated_page import GeneratedPageCommand, table

_HEAD = """# Settings

Every setting is read from the environment, once, at start; a value that cannot be used stops the start with one line
that names it. Bytes may be written as `512M` or `4G`, flags as `1` or `0`, lists with commas. This page is generated:
`manage.py settings_doc` writes it, `manage.py settings_doc --check` fails when it is out of date.
"""
# Title -> prefixes; the first that fits takes the setting, in this order.
_GROUPS = {
    "Segmentation": ("ALTLAS_SEGMENTATION_", "ALTLAS_COMMAND_"),
    "Archive": ("ALTLAS_ARCHIVE_",),
    "Models and nodes": ("ALTLAS_MODEL", "ALTLAS_NODE_", "ALTLAS_RUNNER_", "ALTLAS_OPENAI_", "ALTLAS_INFER"),
    "Memory watch": ("ALTLAS_MEMORY_",),
    "Engines": ("DATABASE_URL", "REDIS_URL", "ALTLAS_DB_", "ALTLAS_REDIS_", "ALTLAS_POSTGRES_"),
    "Web process": (
        "ALTLAS_WEB_", "ALTLAS_HOST", "ALTLAS_PORT", "ALTLAS_MAX_BODY", "ALTLAS_STATIC_", "ALTLAS_METRICS_",
    ),
    "Installation": (
        "ALTLAS_HOME", "ALTLAS_ENVIRONMENT", "ALTLAS_DEBUG", "ALTLAS_SECRET_KEY", "ALTLAS_ALLOWED_", "ALTLAS_BEHIND_",
        "ALTLAS_TRUSTED_ORIGINS", "ALTLAS_TIME_ZONE", "ALTLAS_LOG_", "ALTLAS_ADMIN_",
    ),
    "Auth gateway": ("",),
}  # fmt: skip


class Command(GeneratedPageCommand):
    help = "Write docs/settings.md from the declared settings."
    file = "docs/settings.md"

    def render(self) -> str:
        _import_all()
        return render(REGISTRY.values())


def _import_all() -> None:
    """Import every room in which settings are declared."""
    importlib.import_module("altlas.metrics_view")
    importlib.import_module("altlas.supervisor.conf")
    importlib.import_module("orchestrator.watch.conf")
    for app in apps.get_app_configs():
        if Path(app.path, "conf.py").exists() and Path(app.path).is_relative_to(settings.BASE_DIR):
            importlib.import_module(f"{app.name}.conf")


def render(declared: Any) -> str:
    """Return the page for ``declared`` settings."""
    groups: dict[str, list[Setting]] = {title: [] for title in _GROUPS}
    for setting in sorted(declared, key=lambda item: item.name):
        groups[next(title for title, heads in _GROUPS.items() if setting.name.startswith(heads))].append(setting)
    parts = [_HEAD]
    for title in ("Installation", "Engines", "Web process", *(name for name in _GROUPS)):
        rows = groups.pop(title, [])
        if rows:
            cells = [(f"`{row.name}`", row.kind, _default(row), row.help) for row in rows]
            parts.append(table(title, ("name", "kind", "default", "meaning"), cells))
    return "".join(parts)


def _default(setting: Setting) -> str:
    if setting.kind == "secret":
        return "not shown"
    return f"`{setting.default}`" if setting.default else "empty"
