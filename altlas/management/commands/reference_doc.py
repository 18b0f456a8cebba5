"""``manage.py reference_doc``: writes docs/reference.md from the code itself."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import prometheus_client
from django.core.management import get_commands, load_command_class

from altlas.kernel import errors
from altlas.management.generated_page import GeneratedPageCommand, table

_OURS = ("altlas", "authgateway", "orchestrator", "archive", "segmentation")
_HEAD = """# Reference

This page is generated: `manage.py reference_doc` writes it, `manage.py reference_doc --check` fails when it is out of
date. Settings have a page of their own: [settings.md](settings.md).
"""
_VERBS = ("get", "post", "put", "patch", "delete")


class Command(GeneratedPageCommand):
    help = "Write docs/reference.md: commands, routes, error codes and metrics."
    file = "docs/reference.md"

    def render(self) -> str:
        return render()


def render() -> str:
    """Return the page."""
    _import_all()
    return "".join(
        [
            _HEAD,
            table("Commands", ("`manage.py …`", "what it does"), list(_commands())),
            table(
                "Routes",
                ("route", "what it does"),
                list(_routes()),
                intro="Bodies and answers are in the OpenAPI document.",
            ),
            table(
                "Error codes",
                ("code", "status", "title", "class"),
                list(_codes()),
                intro="The member `code` of a problem; the class is what Python code raises.",
            ),
            table("Metrics", ("metric", "kind", "labels", "what it counts"), list(_metrics())),
        ]
    )


def _import_all() -> None:
    """Import every room in which errors or metrics are declared."""
    for name in _OURS:
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if found.name.rsplit(".", 1)[-1] in {"metrics", "exceptions"}:
                importlib.import_module(found.name)


def _commands() -> Iterator[tuple[str, str]]:
    for name, app in sorted(get_commands().items()):
        if str(app).split(".")[0] in _OURS:
            yield f"`{name}`", load_command_class(str(app), name).help


def _routes() -> Iterator[tuple[str, str]]:
    from drf_spectacular.generators import SchemaGenerator

    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    for path, operations in sorted(schema["paths"].items()):
        for verb in _VERBS:
            if verb in operations:
                described = str(operations[verb].get("summary") or operations[verb].get("description") or "")
                yield f"`{verb.upper()} {path}`", described.split("\n\n")[0]


def _tree(kind: type[errors.AltlasError]) -> Iterator[type[errors.AltlasError]]:
    if kind.__module__.split(".")[0] in _OURS and not kind.__name__.startswith("_"):
        yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


def _codes() -> Iterator[tuple[str, str, str, str]]:
    for kind in sorted(set(_tree(errors.AltlasError)), key=lambda kind: (kind.code, kind.__module__, kind.__name__)):
        yield f"`{kind.code}`", str(kind.status), kind.title, f"`{kind.__module__}.{kind.__name__}`"


def _metrics() -> Iterator[tuple[str, str, str, str]]:
    # The registry has no public way to list what is declared but has not counted yet.
    declared: dict[str, Any] = {
        str(vars(found)["_name"]): found
        for found in set(prometheus_client.REGISTRY._names_to_collectors.values())
        if "_labelnames" in vars(found)
    }
    for name, metric in sorted(declared.items()):
        if name.startswith(("altlas_", "archive_")):  # those of libraries are described by them
            suffix = "_total" if metric._type == "counter" else ""
            yield f"`{name}{suffix}`", metric._type, ", ".join(metric._labelnames), metric._documentation
