"""The documents that ship with the product, each with queries that must find it."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from altlas.walkthrough.story import Sample

_FOLDER = Path(settings.BASE_DIR) / "docs" / "samples"

SAMPLES = {
    "tr": Sample(
        file=_FOLDER / "tr-sample.txt",
        words="maraton",
        meaning="arıcılık, köprüler, koşu ve kahve üzerine yazılar",
    ),
    "en": Sample(
        file=_FOLDER / "en-sample.txt",
        words="lighthouse oatmeal",
        meaning="growing up on a remote rock by the sea",
    ),
}


def own_document(file: Path) -> Sample:
    """Return a sample for a text of the user's own: searched by words and by a sentence from its middle."""
    words = file.read_text(encoding="utf-8").split()
    middle = len(words) // 2
    return Sample(file=file, words=" ".join(words[middle : middle + 3]), meaning=" ".join(words[middle : middle + 15]))
