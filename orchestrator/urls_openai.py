from __future__ import annotations

from django.urls import URLPattern, path

from orchestrator.views.openai import EmbeddingsView, OpenAIModelsView, OpenAIModelView

urlpatterns: list[URLPattern] = [
    path("models", OpenAIModelsView.as_view(), name="openai-models"),
    path("models/<path:name>", OpenAIModelView.as_view(), name="openai-model"),
    path("embeddings", EmbeddingsView.as_view(), name="openai-embeddings"),
]
