"""Entry point of the web process."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from altlas.kernel.chunked import ChunkedBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "altlas.settings")

application = ChunkedBodies(get_wsgi_application())

from django.urls import get_resolver  # noqa: E402

from altlas.kernel import longlived  # noqa: E402

# All views, which the first request would otherwise wait for.
_ = get_resolver().url_patterns
longlived.settle()
