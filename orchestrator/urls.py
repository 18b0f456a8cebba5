from __future__ import annotations

from django.urls import URLPattern, path

from orchestrator.views.catalogue import (
    AliasesView,
    AliasView,
    LoadView,
    ModelInferView,
    ModelsView,
    ModelView,
    PinView,
    PromoteView,
    RuntimeView,
    UnloadView,
    UnpinView,
    VariantsView,
    VersionsView,
    VersionView,
)
from orchestrator.views.cluster import (
    CacheView,
    CancelView,
    DrainView,
    JobCancelView,
    JobsView,
    JobView,
    NodesView,
    RecycleView,
    ResumeView,
)

# Names may hold a slash (`org/model`), so what follows the name is matched first.
urlpatterns: list[URLPattern] = [
    path("models", ModelsView.as_view(), name="models"),
    path("models/<path:name>/versions", VersionsView.as_view(), name="model-versions"),
    path("models/<path:name>/versions/<str:version>/promote", PromoteView.as_view(), name="model-promote"),
    path("models/<path:name>/versions/<str:version>/variants", VariantsView.as_view(), name="model-variants"),
    path("models/<path:name>/versions/<str:version>/runtime", RuntimeView.as_view(), name="model-runtime"),
    path("models/<path:name>/versions/<str:version>", VersionView.as_view(), name="model-version"),
    path("models/<path:name>/aliases", AliasesView.as_view(), name="model-aliases"),
    path("models/<path:name>/aliases/<str:alias>", AliasView.as_view(), name="model-alias"),
    path("models/<path:name>/infer", ModelInferView.as_view(), name="model-infer"),
    path("models/<path:name>/pin", PinView.as_view(), name="model-pin"),
    path("models/<path:name>/unpin", UnpinView.as_view(), name="model-unpin"),
    path("models/<path:name>/load", LoadView.as_view(), name="model-load"),
    path("models/<path:name>/recycle", RecycleView.as_view(), name="model-recycle"),
    path("models/<path:name>/cancel", CancelView.as_view(), name="model-cancel"),
    path("models/<path:name>/unload", UnloadView.as_view(), name="model-unload"),
    path("models/<path:name>", ModelView.as_view(), name="model"),
    path("nodes", NodesView.as_view(), name="nodes"),
    path("nodes/<str:name>/drain", DrainView.as_view(), name="node-drain"),
    path("nodes/<str:name>/resume", ResumeView.as_view(), name="node-resume"),
    path("jobs", JobsView.as_view(), name="load-jobs"),
    path("jobs/<uuid:job>", JobView.as_view(), name="load-job"),
    path("jobs/<uuid:job>/cancel", JobCancelView.as_view(), name="load-job-cancel"),
    path("cache", CacheView.as_view(), name="cache"),
]
