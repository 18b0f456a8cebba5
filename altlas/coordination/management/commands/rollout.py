from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from altlas.coordination.models import Rollout
from altlas.coordination.services import (
    rollout_create,
    rollout_move,
    rollout_roll_back,
    rollouts,
    step_finish,
    step_roll_back,
    step_start,
)
from altlas.coordination.statuses import RolloutState
from altlas.kernel.errors import AltlasError


class Command(BaseCommand):
    help = "Carry out a rollout: plan, start, begin and finish steps behind their gates, pause, roll back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        for name, told in {
            "plan": "make one of the standard plan",
            "show": "steps, gates and state",
            "start": "start or resume",
            "pause": "pause",
            "begin": "begin the next step; prints what is to be done",
            "finish": "finish the step under way; its gates must have turned green since it began",
            "roll-back": "stop going forward",
            "taken-back": "the newest step was taken back",
        }.items():
            verb = verbs.add_parser(name, help=told)
            verb.add_argument("name", nargs="?" if name == "show" else None, help="the rollout")
            verb.add_argument("--who", default="", help="default: the user of this machine")
            if name in ("finish", "taken-back"):
                verb.add_argument("--note", default="")
            if name == "roll-back":
                verb.add_argument("--reason", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        actor = options["who"] or getpass.getuser()
        try:
            getattr(self, "_" + options["verb"].replace("-", "_"))(options, actor)
        except AltlasError as exc:
            raise CommandError(exc.detail) from exc

    def _plan(self, options: dict[str, Any], actor: str) -> None:
        self._tell(rollout_create(name=options["name"], actor=actor))

    def _show(self, options: dict[str, Any], actor: str) -> None:
        if options["name"]:
            self._tell(self._found(options))
            return
        for rollout in Rollout.objects.all():
            self.stdout.write(f"{rollout.name:<30} {rollout.state}")

    def _start(self, options: dict[str, Any], actor: str) -> None:
        self._tell(rollout_move(rollout_id=self._found(options).pk, state=RolloutState.RUNNING, actor=actor))

    def _pause(self, options: dict[str, Any], actor: str) -> None:
        self._tell(rollout_move(rollout_id=self._found(options).pk, state=RolloutState.PAUSED, actor=actor))

    def _begin(self, options: dict[str, Any], actor: str) -> None:
        step = step_start(rollout_id=self._found(options).pk, actor=actor)
        self.stdout.write(f"{step}\n  {step.instruction}")
        for gate in step.gates:
            self.stdout.write(f"  gate: manage.py verify {gate}")

    def _finish(self, options: dict[str, Any], actor: str) -> None:
        rollout = self._found(options)
        step_finish(rollout_id=rollout.pk, actor=actor, note=options["note"])
        self._tell(self._found(options))

    def _roll_back(self, options: dict[str, Any], actor: str) -> None:
        rollout = rollout_roll_back(rollout_id=self._found(options).pk, actor=actor, reason=options["reason"])
        self._tell(rollout)

    def _taken_back(self, options: dict[str, Any], actor: str) -> None:
        step = step_roll_back(rollout_id=self._found(options).pk, actor=actor, note=options["note"])
        self.stdout.write("no step is left" if step is None else f"taken back: {step}")

    def _found(self, options: dict[str, Any]) -> Rollout:
        rollout = Rollout.objects.filter(name=options["name"]).first()
        if rollout is None:
            raise CommandError(f"no rollout {options['name']!r}")
        return rollout

    def _tell(self, rollout: Rollout) -> None:
        until = f", watched until {rollout.watch_until:%Y-%m-%d %H:%M}" if rollout.watch_until else ""
        self.stdout.write(f"{rollout.name}: {rollout.state}{until}")
        for step in rollout.steps.all():
            self.stdout.write(f"  {step.state:<12} {step}")
            closed = rollouts.gates_closed(step) if step.state == "running" else []
            for gate in closed:
                self.stdout.write(f"    closed: {gate}")
            if rollout.state == RolloutState.ROLLED_BACK and step.state in ("done", "running"):
                self.stdout.write(f"    way back: {step.rollback}")
