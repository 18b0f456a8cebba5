"""Routes of the Open Inference Protocol; mounted at the root, so patterns begin with ``v2``."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
