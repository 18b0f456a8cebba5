from __future__ import annotations

from django.urls import path

from authgateway.views.wellknown import JwksView

urlpatterns = [path("jwks.json", JwksView.as_view(), name="jwks")]
