"""Routes of the Open Inference Protocol; mounted at the root, so patterns begin with ``v2``.

No route ends in a slash. Names may hold one (`org/model`), so what follows the name is matched first.
"""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from orchestrator.views.v2.base import NothingHereView, UnsupportedView
from orchestrator.views.v2.infer import GenerateView, InferView
from orchestrator.views.v2.models import (
    AllStatsView,
    ModelConfigView,
    ModelMetadataView,
    ModelReadyView,
    ModelStatsView,
)
from orchestrator.views.v2.repository import IndexView, LoadView, UnloadView
from orchestrator.views.v2.server import LiveView, ReadyView, ServerView

_OF_A_MODEL = {
    "infer": InferView,
    "generate": GenerateView,
    "generate_stream": UnsupportedView,
    "ready": ModelReadyView,
    "stats": ModelStatsView,
    "config": ModelConfigView,
    "trace/setting": UnsupportedView,
}

urlpatterns: list[URLPattern] = [
    path("v2", ServerView.as_view(), name="v2"),
    path("v2/health/live", LiveView.as_view(), name="v2-live"),
    path("v2/health/ready", ReadyView.as_view(), name="v2-ready"),
    path("v2/repository/index", IndexView.as_view(), name="v2-index"),
    path("v2/repository/models/<path:name>/load", LoadView.as_view(), name="v2-load"),
    path("v2/repository/models/<path:name>/unload", UnloadView.as_view(), name="v2-unload"),
    path("v2/models/stats", AllStatsView.as_view(), name="v2-stats"),
    # Versions first; in the API document they are the same operations as without one.
    *(
        path(f"v2/models/<path:name>/versions/<str:version>/{verb}", view.as_view(schema=None))
        for verb, view in _OF_A_MODEL.items()
    ),
    *(
        path(f"v2/models/<path:name>/{verb}", view.as_view(), name=f"v2-model-{verb}")
        for verb, view in _OF_A_MODEL.items()
    ),
    path("v2/models/<path:name>/versions/<str:version>", ModelMetadataView.as_view(schema=None)),
    re_path(r"^v2/models/(?P<name>[^/]+(?:/[^/]+)?)$", ModelMetadataView.as_view(), name="v2-model"),
    re_path(r"^v2/(?:logging|trace/setting|(?:system|cuda)sharedmemory/.*)$", UnsupportedView.as_view(), name="v2-no"),
    re_path(r"^v2(?:/.*)?$", NothingHereView.as_view(), name="v2-nothing"),
]
