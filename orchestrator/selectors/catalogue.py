"""Reading the catalogue."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from altlas.kernel import clock
from orchestrator import policies, runtimes
from orchestrator.conf import conf
from orchestrator.exceptions import ModelNotFound
from orchestrator.models import Alias, Model, ModelVersion, VersionStatus
from orchestrator.supervisor.spec import Key

_TASK_SECONDS = 60.0
_tasks: dict[str, tuple[str, float]] = {}


def default_model() -> str:
    """Return the name of the sentence-embedding model used when none is named."""
    return conf.default_model


def model_list() -> QuerySet[Model]:
    return Model.objects.order_by("name").select_related("owner").prefetch_related("versions", "aliases__version")


def model_get(*, name: str) -> Model:
    """Raises: ModelNotFound."""
    model = model_list().filter(name=name).first()
    if model is None:
        raise ModelNotFound(f"There is no model {name!r}; GET /api/v1/models lists them.")
    return model


def versions_of(*, name: str) -> QuerySet[ModelVersion]:
    return ModelVersion.objects.filter(model=model_get(name=name)).select_related("model").order_by("-number")


def versions_gone(keys: set[Key]) -> set[Key]:
    """Return those of ``keys`` that the catalogue does not have (any more), or has only as retired."""
    rows = ModelVersion.objects.filter(model__name__in={key.model for key in keys}).exclude(
        status=VersionStatus.RETIRED
    )
    return keys - {Key(*found) for found in rows.values_list("model__name", "version")} if keys else set()


def models_named(names: set[str]) -> list[Model]:
    return list(Model.objects.filter(name__in=names)) if names else []


def version_choose(*, model: str, version: str | None = None) -> ModelVersion:
    """Return the version that serves most of the requests for ``model``, or the one that ``version`` names.

    Raises:
        ModelNotFound: no such model, version or alias, or none that is served.
    """
    return max(version_routes(model=model, version=version), key=lambda route: route[1])[0]


def version_find(*, model: str, version: str | None = None) -> ModelVersion:
    """As ``version_choose``, for operators: also a version that the policy does not serve.

    Raises:
        ModelNotFound: no such model, version or alias.
    """
    if version is not None:
        row = _rows(model).filter(version=version).first()
        if row is not None:
            return row
    return version_choose(model=model, version=version)


def version_known(*, model: str, version: str) -> ModelVersion:
    """As ``version_find``, for what takes a version away: also a retired one, which a node may still hold.

    Raises:
        ModelNotFound: no such model, version or alias.
    """
    row = ModelVersion.objects.filter(model__name=model, version=version).select_related("model").first()
    return row or version_find(model=model, version=version)


def version_routes(*, model: str, version: str | None = None) -> list[tuple[ModelVersion, int]]:
    """Return the versions that may serve a request for ``model``, with their shares of the traffic.

    ``version`` is a version that is served, or an alias. Without one, ``policies.shares`` says who takes part.

    Raises:
        ModelNotFound: no such model, version or alias, or none that is served.
    """
    rows, aliases = _rows_and_aliases(model)
    if version is not None:
        return [(_named(model, version, rows, aliases), 100)]
    found = policies.shares(rows, aliases)
    if not found:
        raise ModelNotFound(f"There is no model {model!r} that could be served; GET /api/v1/models lists them.")
    return found


def versions_asked(*, model: str) -> list[str]:
    """Return the versions of ``model`` that take traffic which names none; none when nothing could be served."""
    return [row.version for row, _ in policies.shares(*_rows_and_aliases(model))]


def versions_served(*, model: str) -> list[ModelVersion]:
    """Return every version of ``model`` that can be asked for, newest first; none when there is no such model."""
    return policies.kept(*_rows_and_aliases(model))


def task_of(*, model: str) -> str:
    """Return what ``model`` does; remembered for a minute, because it never changes.

    Raises: ModelNotFound.
    """
    found, until = _tasks.get(model, ("", 0.0))
    if clock.monotonic() > until:
        row = Model.objects.filter(name=model).only("task").first()
        if row is None:
            raise ModelNotFound(f"There is no model {model!r}; GET /api/v1/models lists them.")
        if len(_tasks) > 10_000:
            _tasks.clear()
        found, _ = _tasks[model] = (row.task, clock.monotonic() + _TASK_SECONDS)
    return found


def variant_rows(row: ModelVersion) -> list[dict[str, Any]]:
    """Return the compiled variants of a version, one per runtime and node, with how they agree and how fast they are;
    ``chosen`` is what that node uses now."""
    shown = ("accepted", "cosine_min", "cosine_mean", "difference_max", "torch_ms", "variant_ms", "bytes", "at")
    return [
        {
            "runtime": runtime,
            "node": node,
            "chosen": runtimes.choose(wanted=row.runtime, variants=row.variants, node=node) == runtime,
            **{name: found[name] for name in shown},
        }
        for runtime, nodes in sorted(row.variants.items())
        for node, found in sorted(nodes.items())
    ]


def _rows(model: str) -> QuerySet[ModelVersion]:
    rows = ModelVersion.objects.filter(model__name=model).exclude(status=VersionStatus.RETIRED)
    return rows.select_related("model").order_by("-number")


def _rows_and_aliases(model: str) -> tuple[list[ModelVersion], list[Alias]]:
    return list(_rows(model)), list(Alias.objects.filter(model__name=model).select_related("version__model"))


def _named(model: str, version: str, rows: list[ModelVersion], aliases: list[Alias]) -> ModelVersion:
    served = policies.kept(rows, aliases)
    row = next((row for row in served if row.version == version), None)
    alias = next((alias for alias in aliases if alias.name == version), None)
    if row is not None:
        return row
    if alias is not None:
        return alias.version
    if any(row.version == version for row in rows):
        raise ModelNotFound(f"{model}:{version} is not served: the model's version policy leaves it out.")
    raise ModelNotFound(f"There is no version or alias {version!r} of the model {model!r}.")
