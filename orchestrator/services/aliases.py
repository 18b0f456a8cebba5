"""Aliases: a name moves to a version only after that version has proved itself."""

from __future__ import annotations

from django.db import transaction

from altlas.kernel.errors import FieldError, InvalidInput
from orchestrator.exceptions import ModelNotFound
from orchestrator.models import Alias, EventKind, Model, ModelVersion, VersionStatus
from orchestrator.policies import STABLE
from orchestrator.selectors.catalogue import version_find
from orchestrator.selectors.cluster import nodes_holding
from orchestrator.services import catalogue
from orchestrator.services.events import event_record
from orchestrator.services.rollout import policy_apply, prove


def alias_set(*, model: str, name: str, version: str, weight: int | None = None, actor: str = "") -> Alias:
    """Point ``name`` at ``version``, with ``weight`` percent of the traffic that names no version; without one an alias
    that there is keeps its own, and a new one has 0.

    The version is loaded and warmed up first: for a share of that traffic on every node that holds the model, else on
    those that hold what the alias points at now. When that fails the alias stays where it is and the failure is raised
    and logged with its reason.

    Raises:
        ModelNotFound: no such model or version, or it was retired meanwhile.
        InvalidInput: name or weight cannot be, the name is a version of the model, or the weights would exceed 100.
        AltlasError: the version did not load.
    """
    row = version_find(model=model, version=version)
    share = _weight(row.model, name) if weight is None else weight
    _check(Alias(model=row.model, name=name, version=row, weight=share))
    former = _points_at(row.model, name)
    # Nodes that never held the former version share the unnamed traffic, too.
    everywhere = bool(share) or name == STABLE
    nodes = nodes_holding(model=model, version=None if everywhere else former) if everywhere or former else []
    prove(row, what=f"alias {name}", before=former, nodes=nodes, actor=actor)
    try:
        return _move(row, name=name, weight=weight, actor=actor)
    finally:  # also what was loaded for an alias that stays where it was
        policy_apply(model=model)


def alias_remove(*, model: str, name: str, actor: str = "") -> None:
    """Remove ``name``; its share of the traffic goes to the version that takes the rest.

    Raises:
        ModelNotFound: no such alias.
    """
    with transaction.atomic():
        # The alias alone: with its model, and after it, this would be the reverse of the order in which one moves.
        rows = Alias.objects.select_for_update(of=("self",)).select_related("version")
        alias = rows.filter(model__name=model, name=name).first()
        if alias is None:
            raise ModelNotFound(f"The model {model!r} has no alias {name!r}.")
        event_record(
            kind=EventKind.CATALOGUE,
            model=model,
            version=alias.version.version,
            reason=f"alias {name} removed",
            inputs={"weight": alias.weight},
            actor=actor,
        )
        alias.delete()
    policy_apply(model=model)


@transaction.atomic
def _move(row: ModelVersion, *, name: str, weight: int | None, actor: str) -> Alias:
    row = _held(row)
    if weight is None:
        weight = _weight(row.model, name)
    _check(Alias(model=row.model, name=name, version=row, weight=weight))
    former = _points_at(row.model, name)  # by now: somebody else may have moved it while this one was proved
    alias, _ = Alias.objects.update_or_create(model=row.model, name=name, defaults={"version": row, "weight": weight})
    event_record(
        kind=EventKind.CATALOGUE,
        model=row.model.name,
        version=row.version,
        reason=f"alias {name} moved",
        inputs={"before": former},
        decision={"weight": weight},
        actor=actor,
    )
    return alias


def _held(row: ModelVersion) -> ModelVersion:
    """Lock the model, so that of two changes of its aliases one sees the other, and the version, so that nobody retires
    it while an alias comes to point at it: proving it has taken its time.

    Raises: ModelNotFound: it is there no more.
    """
    Model.objects.select_for_update().filter(pk=row.model_id).first()
    found = ModelVersion.objects.select_for_update(of=("self",)).select_related("model").filter(pk=row.pk).first()
    if found is None or found.status == VersionStatus.RETIRED:
        raise ModelNotFound(f"{row} was retired meanwhile; the alias stays as it was.")
    return found


def _points_at(model: Model, name: str) -> str | None:
    return Alias.objects.filter(model=model, name=name).values_list("version__version", flat=True).first()


def _weight(model: Model, name: str) -> int:
    return Alias.objects.filter(model=model, name=name).values_list("weight", flat=True).first() or 0


def _check(alias: Alias) -> None:
    catalogue.clean(alias, exclude=["model", "version"])
    if alias.model.versions.filter(version=alias.name).exists():
        raise _wrong("/name", f"{alias.name!r} is a version of this model already.")
    others = Alias.objects.filter(model=alias.model).exclude(name=alias.name).values_list("weight", flat=True)
    if sum(others) + alias.weight > 100:
        raise _wrong("/weight", f"The weights of all aliases would be {sum(others) + alias.weight} %; at most 100.")


def _wrong(pointer: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError(pointer=pointer, code="invalid", detail=detail)])
