"""Reading the catalogue."""

from __future__ import annotations

import random

from django.db.models import QuerySet

from orchestrator.conf import conf
from orchestrator.exceptions import ModelNotFound
from orchestrator.models import Alias, Model, ModelVersion, VersionPolicy, VersionStatus


def default_model() -> str:
    """Return the name of the sentence-embedding model used when none is named."""
    return conf.default_model


def model_list() -> QuerySet[Model]:
    return Model.objects.order_by("name").prefetch_related("versions", "aliases__version")


def model_get(*, name: str) -> Model:
    """Raises: ModelNotFound."""
    model = model_list().filter(name=name).first()
    if model is None:
        raise ModelNotFound(f"There is no model {name!r}; GET /api/v1/models lists them.")
    return model


def versions_of(*, name: str) -> QuerySet[ModelVersion]:
    return ModelVersion.objects.filter(model=model_get(name=name)).select_related("model").order_by("-number")


def version_choose(*, model: str, version: str | None = None) -> ModelVersion:
    """Return the version that serves one request for ``model``: ``version_routes``, drawn by weight.

    Raises:
        ModelNotFound: no such model, version or alias, or none that is served.
    """
    routes = version_routes(model=model, version=version)
    return random.choices([row for row, _ in routes], weights=[weight for _, weight in routes])[0]  # noqa: S311


def version_routes(*, model: str, version: str | None = None) -> list[tuple[ModelVersion, int]]:
    """Return the versions that may serve a request for ``model``, with their shares of the traffic.

    ``version`` is a version or an alias. Without one, the aliases' weights share; without weights, the newest version
    that the model's version policy serves takes all, one that has worked before one that has not been tried.

    Raises:
        ModelNotFound: no such model, version or alias, or none that is served.
    """
    rows = list(
        ModelVersion.objects.filter(model__name=model)
        .exclude(status=VersionStatus.RETIRED)
        .select_related("model")
        .order_by("-number")
    )
    aliases = list(Alias.objects.filter(model__name=model).select_related("version__model"))
    if version is not None:
        named = [row for row in rows if row.version == version] or [a.version for a in aliases if a.name == version]
        if not named:
            raise ModelNotFound(f"There is no version or alias {version!r} of the model {model!r}.")
        return [(named[0], 1)]
    weighted = [(alias.version, alias.weight) for alias in aliases if alias.weight]
    if weighted:
        return weighted
    served = served_versions(rows)
    if not served:
        raise ModelNotFound(f"There is no model {model!r} that could be served; GET /api/v1/models lists them.")
    return [(next((row for row in served if row.status == VersionStatus.AVAILABLE), served[0]), 1)]


def served_versions(rows: list[ModelVersion]) -> list[ModelVersion]:
    """Return those of ``rows`` (newest first, one model) that the model's version policy serves."""
    if not rows:
        return []
    model = rows[0].model
    if model.version_policy == VersionPolicy.SPECIFIC:
        return [row for row in rows if row.version in model.policy_versions]
    return rows[: model.policy_count] if model.version_policy == VersionPolicy.LATEST else rows
