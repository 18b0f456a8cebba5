"""Moving traffic: a version serves after it has proved itself, and what nobody may ask for any more is unloaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from altlas.kernel.errors import AltlasError, FieldError, InvalidInput
from orchestrator.exceptions import ModelNotFound, NodeNotFound, NodeUnavailable
from orchestrator.models import EventKind, Model, ModelVersion, VersionStatus
from orchestrator.selectors.catalogue import version_find, version_routes, versions_of
from orchestrator.selectors.cluster import node_alive, nodes_holding
from orchestrator.services import catalogue
from orchestrator.services.catalogue import version_proved
from orchestrator.services.events import event_record
from orchestrator.services.jobs import jobs_retire
from orchestrator.services.operate import model_load, model_unload, nodes_settle
from orchestrator.services.proving import proving
from orchestrator.services.specs import spec_forget


def version_load(
    *, model: str, version: str | None = None, node: str | None = None, seconds: float | None = None, actor: str = ""
) -> dict[str, Any]:
    """As ``model_load``; the version counts as proved afterwards, and the version policy is carried out."""
    done = model_load(model=model, version=version, node=node, seconds=seconds, actor=actor)
    version_proved(model=model, version=done["version"])
    policy_apply(model=model, besides=done["version"])
    return done


def model_change(*, name: str, changes: Mapping[str, Any], actor: str = "") -> Model:
    """As ``catalogue.model_change``; what is loaded follows, and versions that the new policy leaves out are unloaded.

    Raises:
        ModelNotFound.
        InvalidInput: `policy_versions` names a version that there is not.
    """
    wanted = changes.get("policy_versions") or []
    unknown = sorted(set(wanted) - {row.version for row in versions_of(name=name)})
    if unknown:
        detail = f"{name} has no version {', '.join(unknown)}."
        raise InvalidInput(detail, errors=[FieldError(pointer="/policy_versions", code="unknown", detail=detail)])
    model = catalogue.model_change(name=name, changes=changes, actor=actor)
    if changes.keys() & {"version_policy", "policy_count", "policy_versions", "pinned", "max_replicas"}:
        policy_apply(model=name)
    return model


def version_retire(*, model: str, version: str, actor: str = "") -> ModelVersion:
    """As ``catalogue.version_retire``; its open load jobs end, and it is unloaded from every node."""
    row = catalogue.version_retire(model=model, version=version, actor=actor)
    jobs_retire(row)
    policy_apply(model=model)
    return row


def version_promote(*, model: str, version: str, actor: str = "") -> ModelVersion:
    """Make ``version`` the one that takes unnamed traffic: loaded and warm on every node that holds the model first.

    When that fails, what served before goes on serving; the failure is logged with its reason and raised.

    Raises:
        ModelNotFound: no such model or version, or it was retired meanwhile.
        InvalidInput: the version policy would not prefer it, or an alias decides; says what to change.
        AltlasError: it did not load.
    """
    row = version_find(model=model, version=version)
    before = [route.version for route, _ in version_routes(model=model)]
    prove(row, what="update", before=", ".join(before), nodes=nodes_holding(model=model), actor=actor)
    policy_apply(model=model)  # also when it is refused below: nobody may ask for it then
    after = [route.version for route, _ in version_routes(model=model)]
    if row.version not in after:
        if not ModelVersion.objects.filter(pk=row.pk).exclude(status=VersionStatus.RETIRED).exists():
            raise ModelNotFound(f"{row} was retired meanwhile; the traffic stays where it was.")
        raise InvalidInput(
            f"{row} works, but {', '.join(after)} takes the traffic: move the alias, or change the version policy."
        )
    event_record(
        kind=EventKind.CATALOGUE,
        model=model,
        version=row.version,
        reason="update done",
        inputs={"before": before},
        decision={"after": after},
        actor=actor,
    )
    return row


def prove(row: ModelVersion, *, what: str, before: str | None, nodes: list[str], actor: str) -> None:
    """Load ``row`` and warm it up on ``nodes`` (none: on any). When one fails, it leaves those it came to; one that
    dies meanwhile has nothing to say about it, and the others decide.

    Raises: AltlasError: why it did not load; NodeUnavailable: all of them died.
    """
    model = row.model.name
    targets: list[str | None] = [*nodes] or [None]
    already, made = nodes_holding(model=model, version=row.version), []
    try:
        with proving(model=model, version=row.version):
            for node in targets:
                with _unless_dead(node):
                    made.append(model_load(model=model, version=row.version, node=node, actor=actor)["node"])
            if not made:
                raise NodeUnavailable(f"The nodes on which {row} was to be loaded died; try again shortly.")
    except AltlasError as exc:
        event_record(
            kind=EventKind.REFUSE,
            model=model,
            version=row.version,
            reason=f"{what} rolled back: {exc.code}",
            inputs={"before": before, "nodes": nodes},
            decision={"detail": exc.detail},
            actor=actor,
        )
        for name in set(made) - set(already):
            with suppress(AltlasError):
                model_unload(model=model, version=row.version, node=name, actor=actor)
        raise
    version_proved(model=model, version=row.version)


@contextmanager
def _unless_dead(node: str | None) -> Iterator[None]:
    try:
        yield
    except (NodeNotFound, NodeUnavailable) as exc:
        if node is None or node_alive(node) is not False:
            raise NodeUnavailable(exc.detail, retry_after=exc.retry_after) from exc


def policy_apply(*, model: str, besides: str | None = None) -> int:
    """Unload every copy of ``model`` whose version may not be asked for any more; return how many.

    ``besides`` is spared: an operator has just asked for it.
    """
    spec_forget()
    return nodes_settle(model=model, besides=besides)
