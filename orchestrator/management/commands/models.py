"""``manage.py models``: the catalogue and the caches from a shell; tables for people, ``--json`` for programs."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db.models import BigIntegerField
from rest_framework.utils.encoders import JSONEncoder

from altlas.kernel.errors import AltlasError
from orchestrator import selectors, serializers, services
from orchestrator.models import CacheEvent, EventKind, Runtime, Task, VersionPolicy
from orchestrator.selectors.states import replica_states
from orchestrator.services.variants import COMPILED

ACTOR: Final = "command"
Rows = Sequence[Mapping[str, Any]]


class Command(BaseCommand):
    help = "Look at models and operate them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        for verb, (about, declare) in VERBS.items():
            sub = verbs.add_parser(verb, help=about)
            sub.add_argument("--json", action="store_true", help="print JSON")
            declare(sub)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = getattr(self, "do_" + options["verb"].replace("-", "_"))(options)
        except AltlasError as exc:
            raise CommandError("\n".join([exc.detail, *(f"{e.pointer}: {e.detail}" for e in exc.errors)])) from exc
        self._show(found, as_json=options["json"])

    # --- reading ----------------------------------------------------------------------------------------------------
    def do_list(self, options: Mapping[str, Any]) -> Rows:
        states = replica_states(selectors.cache_state(strict=True))
        return [
            {
                "model": model.name,
                "version": row.version,
                "task": model.task,
                "status": row.status,
                "state": states.get((model.name, row.version), ""),
                "runtime": row.runtime,
                "aliases": ",".join(f"{a.name}:{a.weight}%" for a in model.aliases.all() if a.version_id == row.pk),
                "pinned": model.pinned,
                "megabytes": round((row.measured_bytes or row.estimated_bytes) / 2**20),
                "loads": row.loads,
            }
            for model in selectors.model_list()
            for row in model.versions.all()
            if options["model"] in (None, model.name)
        ]

    def do_events(self, options: Mapping[str, Any]) -> Rows:
        if not 1 <= options["limit"] <= BigIntegerField.MAX_BIGINT:  # what the database counts to
            raise CommandError(f"--limit counts from 1 to {BigIntegerField.MAX_BIGINT}.")
        rows = CacheEvent.objects.order_by("-id")
        for field in ("model", "kind", "node"):
            if options[field]:
                rows = rows.filter(**{field: options[field]})
        shown = ("at", "kind", "model", "version", "node", "reason", "actor")
        more = ("inputs", "decision") if options["json"] else ()
        return list(rows.values("id", *shown, *more)[: options["limit"]])

    # --- operating --------------------------------------------------------------------------------------------------
    def do_register(self, options: Mapping[str, Any]) -> Any:
        row = services.model_register(
            name=options["model"],
            task=options["task"],
            source=options["source"],
            version=options["version"],
            description=options["description"],
            options=_object(options["options"]),
            variants=options["variant"],
            actor=ACTOR,
        )
        return serializers.VersionSerializer(row).data

    def do_load(self, options: Mapping[str, Any]) -> Any:
        if options["no_wait"]:
            job = services.job_request(**_where(options), actor=ACTOR)
            return {"job": job.pk, "model": options["model"], "version": job.version.version, "node": job.node}
        return services.version_load(**_where(options), actor=ACTOR)

    def do_unload(self, options: Mapping[str, Any]) -> Any:
        return services.model_unload(**_where(options), actor=ACTOR)

    def do_pin(self, options: Mapping[str, Any]) -> Any:
        services.model_pin(name=options["model"], pinned=not options["off"], actor=ACTOR)
        return {"model": options["model"], "pinned": not options["off"]}

    def do_alias(self, options: Mapping[str, Any]) -> Any:
        if options["remove"]:
            services.alias_remove(model=options["model"], name=options["alias"], actor=ACTOR)
            return {"model": options["model"], "alias": options["alias"], "removed": True}
        if options["version"] is None:
            raise CommandError("Name the version that the alias is to point at, or give --remove.")
        row = services.alias_set(
            model=options["model"],
            name=options["alias"],
            version=options["version"],
            weight=options["weight"],
            actor=ACTOR,
        )
        return serializers.AliasSerializer(row).data

    def do_promote(self, options: Mapping[str, Any]) -> Any:
        row = services.version_promote(model=options["model"], version=options["version"], actor=ACTOR)
        return {"model": row.model.name, "version": row.version, "serves": True}

    def do_retire(self, options: Mapping[str, Any]) -> Any:
        row = services.version_retire(model=options["model"], version=options["version"], actor=ACTOR)
        return {"model": row.model.name, "version": row.version, "status": row.status}

    def do_export_variant(self, options: Mapping[str, Any]) -> Any:
        return services.variant_export(
            model=options["model"], version=options["version"], runtime=options["runtime"], actor=ACTOR
        )

    def do_runtime(self, options: Mapping[str, Any]) -> Any:
        row = services.runtime_set(
            model=options["model"], version=options["version"], runtime=options["runtime"], actor=ACTOR
        )
        return {"model": row.model.name, "version": row.version, "runtime": row.runtime}

    def do_variants(self, options: Mapping[str, Any]) -> Rows:
        row = selectors.version_find(model=options["model"], version=options["version"])
        return selectors.variant_rows(row)

    def do_policy(self, options: Mapping[str, Any]) -> Any:
        changes: dict[str, Any] = {"version_policy": options["policy"]}
        if options["policy"] == VersionPolicy.LATEST:
            changes["policy_count"] = options["count"]
        if options["policy"] == VersionPolicy.SPECIFIC:
            changes["policy_versions"] = options["versions"]
        services.model_change(name=options["model"], changes=changes, actor=ACTOR)
        served = [row.version for row in selectors.versions_served(model=options["model"])]
        return {"model": options["model"], "policy": options["policy"], "served": served}

    def _show(self, found: Any, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(found, cls=JSONEncoder, ensure_ascii=False, indent=1))
        elif isinstance(found, Mapping):
            self.stdout.write("\n".join(f"{name}: {_cell(value)}" for name, value in found.items()))
        else:
            self.stdout.write(table(found))


def table(rows: Rows) -> str:
    """Return ``rows`` as columns under their names."""
    if not rows:
        return "nothing found"
    names = list(rows[0])
    lines = [names, *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(names))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if hasattr(value, "isoformat"):
        return str(value.isoformat(sep=" ", timespec="seconds"))
    return "" if value is None else str(value)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise CommandError("--options is a JSON object.")
    return found


def _where(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in ("model", "version", "node")}


def _model(parser: ArgumentParser) -> None:
    parser.add_argument("model")


def _version(parser: ArgumentParser) -> None:
    _model(parser)
    parser.add_argument("version")


def _list(parser: ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", help="only this one")


def _events(parser: ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", help="only of this one")
    parser.add_argument("--kind", choices=EventKind.values)
    parser.add_argument("--node")
    parser.add_argument("--limit", type=int, default=50)


def _register(parser: ArgumentParser) -> None:
    _model(parser)
    parser.add_argument("--task", required=True, choices=Task.values)
    parser.add_argument("--source", required=True, help="package://name/folder, folder:///path or hf://org/model")
    parser.add_argument("--version", required=True, dest="version")
    parser.add_argument("--description", default="")
    parser.add_argument("--options", default="{}", help="of the loader, as JSON")
    parser.add_argument(
        "--variant", action="append", default=[], choices=COMPILED, help="have every live node compile it"
    )


def _order(parser: ArgumentParser) -> None:
    _model(parser)
    parser.add_argument("--version", dest="version")
    parser.add_argument("--node")


def _load(parser: ArgumentParser) -> None:
    _order(parser)
    parser.add_argument("--no-wait", action="store_true", help="print the load job and go; /api/v1/jobs has its end")


def _pin(parser: ArgumentParser) -> None:
    _model(parser)
    parser.add_argument("--off", action="store_true", help="let it be evicted again")


def _alias(parser: ArgumentParser) -> None:
    _model(parser)
    parser.add_argument("alias")
    parser.add_argument("version", nargs="?")
    parser.add_argument(
        "--weight", type=int, help="percent of the traffic that names no version; without it, as it was (a new one: 0)"
    )
    parser.add_argument("--remove", action="store_true")


def _variants(parser: ArgumentParser) -> None:
    _model(parser)
    parser.add_argument("--version", dest="version")


def _export(parser: ArgumentParser) -> None:
    _variants(parser)
    parser.add_argument("--runtime", choices=COMPILED, default=COMPILED[0])


def _runtime(parser: ArgumentParser) -> None:
    _variants(parser)
    parser.add_argument("runtime", choices=Runtime.values)


def _policy(parser: ArgumentParser) -> None:
    _model(parser)
    parser.add_argument("policy", choices=VersionPolicy.values)
    parser.add_argument("--count", type=int, default=1, help="of `latest`")
    parser.add_argument("--versions", nargs="*", default=[], help="of `specific`")


VERBS: Final[dict[str, tuple[str, Callable[[ArgumentParser], None]]]] = {
    "list": ("Models, their versions, and where they stand.", _list),
    "register": ("Add a version; its files stay where they are.", _register),
    "load": ("Load a version and wait until it is warm.", _load),
    "unload": ("Unload a model; requests under way finish first.", _order),
    "pin": ("Keep a model from being evicted.", _pin),
    "alias": ("Point an alias at a version, once that has loaded.", _alias),
    "promote": ("Have a version take the traffic that names none.", _version),
    "retire": ("Put a version away.", _version),
    "policy": ("Say which versions are served.", _policy),
    "export-variant": ("Compile a version for ONNX Runtime on this node and compare it with torch.", _export),
    "variants": ("Compiled variants with their agreement and times, by node.", _variants),
    "runtime": ("Choose what computes a version.", _runtime),
    "events": ("The decision log, newest first.", _events),
}
