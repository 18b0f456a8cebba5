"""``manage.py nodes list|drain|resume``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from altlas.kernel.errors import AltlasError
from orchestrator import selectors, services
from orchestrator.models import Node


class Command(BaseCommand):
    help = "List nodes, or take one out of service (its models are loaded elsewhere first) and back in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list")
        for verb in ("drain", "resume"):
            verbs.add_parser(verb).add_argument("name")

    def handle(self, *, verb: str, name: str = "", **_: Any) -> None:
        try:
            if verb == "drain":
                self._drained(services.node_drain(name=name, actor="command"))
            elif verb == "resume":
                services.node_resume(name=name, actor="command")
                self.stdout.write(f"{name} is back in service.")
            else:
                self._list()
        except AltlasError as exc:
            raise CommandError(exc.detail) from exc

    def _list(self) -> None:
        live = {node["name"]: node for node in selectors.cache_state(strict=True)}
        rows = {row.name: row for row in selectors.node_list()}
        for name in sorted(live.keys() | rows.keys()):
            self.stdout.write(f"{name}: {_living(live[name]) if name in live else _silent(rows[name])}")

    def _drained(self, done: dict[str, Any]) -> None:
        for entry in done["moved"]:
            self.stdout.write(f"{entry['model']}:{entry['version']} moved to {entry['to']}")
        self.stdout.write(f"{done['node']} takes nothing new.")
        if done["kept"]:
            stays = [f"{entry['model']}:{entry['version']} stays: {entry['detail']}" for entry in done["kept"]]
            raise CommandError("\n".join(stays))


def _living(node: dict[str, Any]) -> str:
    models = ", ".join(f"{held['model']}:{held['version']} {held['state']}" for held in node["replicas"])
    state = "stopping" if node.get("stopping") else "draining" if node["draining"] else "in service"
    return f"{state}, {node['used_bytes'] >> 20} of {node['budget_bytes'] >> 20} MB; {models or 'no models'}"


def _silent(row: Node) -> str:
    seen = f"last seen {row.last_seen_at:%Y-%m-%d %H:%M:%S} UTC" if row.last_seen_at else "never seen"
    return f"not alive, {seen}{'; drained' if row.draining else ''}"
