"""Aliases: a name moves to a version only after that version has proved itself."""

from __future__ import annotations

import logging

from django.core.exceptions import ValidationError
from django.db import transaction

from altlas.kernel.errors import AltlasError, FieldError, InvalidInput
from orchestrator.models import Alias, EventKind, Model
from orchestrator.selectors.catalogue import version_choose
from orchestrator.selectors.cluster import live_nodes
from orchestrator.services.events import event_record
from orchestrator.services.operate import model_load
from orchestrator.services.specs import spec_forget

logger = logging.getLogger(__name__)


def alias_set(*, model: str, name: str, version: str, weight: int = 0, actor: str = "") -> Alias:
    """Point ``name`` at ``version``, with ``weight`` percent of the traffic that names no version.

    The version is loaded and warmed up first, on every node that holds what the alias points at now. When that fails
    the alias stays where it is and the failure is raised and logged with its reason.

    Raises:
        ModelNotFound: no such model or version.
        InvalidInput: the alias' name is a version of the model, or the weights would exceed 100.
        AltlasError: the version did not load.
    """
    row = version_choose(model=model, version=version)
    before = Alias.objects.filter(model=row.model, name=name).select_related("version").first()
    try:
        for node in _nodes_of(model, before.version.version if before else None):
            model_load(model=model, version=row.version, node=node, actor=actor)
    except AltlasError as exc:
        event_record(
            kind=EventKind.REFUSE,
            model=model,
            version=row.version,
            reason=f"alias {name} stays: {exc.code}",
            inputs={"alias": name, "before": before.version.version if before else None},
            decision={"detail": exc.detail},
            actor=actor,
        )
        raise
    with transaction.atomic():
        Model.objects.select_for_update().get(pk=row.model_id)
        alias = Alias.objects.filter(model=row.model, name=name).first() or Alias(model=row.model, name=name)
        alias.version, alias.weight = row, weight
        _check(alias)
        alias.save()
        event_record(
            kind=EventKind.CATALOGUE,
            model=model,
            version=row.version,
            reason=f"alias {name} moved",
            inputs={"before": before.version.version if before else None},
            decision={"weight": weight},
            actor=actor,
        )
    spec_forget()
    return alias


def _nodes_of(model: str, version: str | None) -> list[str | None]:
    holders = [
        node["name"]
        for node in live_nodes(fresh=True)
        if any(replica["model"] == model and replica["version"] == version for replica in node["replicas"])
    ]
    return list(holders) or [None]


def _check(alias: Alias) -> None:
    try:
        alias.clean_fields(exclude=["model", "version"])
    except ValidationError as exc:
        raise _wrong("/name", " ".join(exc.messages)) from exc
    if alias.model.versions.filter(version=alias.name).exists():
        raise _wrong("/name", f"{alias.name!r} is a version of this model already.")
    others = Alias.objects.filter(model=alias.model).exclude(pk=alias.pk).values_list("weight", flat=True)
    if sum(others) + alias.weight > 100:
        raise _wrong("/weight", f"The weights of all aliases would be {sum(others) + alias.weight} %; at most 100.")


def _wrong(pointer: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError(pointer=pointer, code="invalid", detail=detail)])
