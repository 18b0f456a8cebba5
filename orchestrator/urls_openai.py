from __future__ import annotations

from django.urls import URLPattern, path, re_path

from orchestrator.views.openai import EmbeddingsView, NothingHereView, OpenAIModelsView, OpenAIModelView

urlpatterns: list[URLPattern] = [
    path("models", OpenAIModelsView.as_view(), name="openai-models"),
    path("models/<path:name>", OpenAIModelView.as_view(), name="openai-model"),
    path("embeddings", EmbeddingsView.as_view(), name="openai-embeddings"),
    re_path(r"", NothingHereView.as_view(), name="openai-nothing"),
]
