from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class SegmentationConfig(AppConfig):
    name = "segmentation"
    verbose_name = _("Segmentation")

    def ready(self) -> None:
        from archive.embedding import set_query_embedder
        from segmentation.algorithms.language import keep_tables_in
        from segmentation.embedding import embed_query

        # The archive knows no models: it asks whoever is above it.
        set_query_embedder(embed_query)
        keep_tables_in(settings.DERIVED_FILES)
