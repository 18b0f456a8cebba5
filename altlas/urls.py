"""Routes of the whole product."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from altlas.console import language, workbench
from altlas.console.views import overview
from altlas.kernel import health, problems
from altlas.metrics_view import metrics
from altlas.root import root

admin.autodiscover()

urlpatterns = [
    # What is asked most comes first.
    path("v1/", include("orchestrator.urls_openai")),
    path("api/v1/auth/", include("authgateway.urls")),
    path("api/v1/", include("segmentation.urls")),
    path("api/v1/archive/", include("archive.urls")),
    path("api/v1/", include("orchestrator.urls")),
    path("", root, name="root"),
    path("admin/overview.json", overview, name="console-overview"),
    path("admin/language", language.choose, name="console-language"),
    path("admin/workbench", admin.site.admin_view(workbench.page), name="console-workbench"),
    path("admin/workbench/run", admin.site.admin_view(workbench.run), name="console-workbench-run"),
    path("admin/workbench/<uuid:run_id>", admin.site.admin_view(workbench.result), name="console-workbench-result"),
    path("admin/", admin.site.urls),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    re_path(r"^api/schema/?$", SpectacularAPIView.as_view(), name="schema"),
    re_path(r"^api/docs/?$", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("", include("orchestrator.urls_v2")),
    path(".well-known/", include("authgateway.urls_wellknown")),
]

handler400 = problems.problem_400
handler403 = problems.problem_403
handler404 = problems.problem_404
handler500 = problems.problem_500
