"""``make messages``: extracts every string that is to be translated, keeps the translations, compiles the catalogues.

Pure Python (Babel and Django's own reading of templates), so that no system package is needed; the product needs none.
With ``--check`` it changes nothing and fails when a string has no translation or a catalogue is not current.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[2]
APPS = ("altlas", "authgateway", "orchestrator", "archive", "segmentation")
FOLDER = ROOT / "altlas" / "locale"
LANGUAGES = ("tr",)
_KEYWORDS: dict[str, object] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
}
_HEAD = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""
# What others' templates show on every page of ours, and have no Turkish for.
EXTRA = ROOT / "altlas" / "locale" / "borrowed.txt"

Found = tuple[str, object, str | None]


def strings() -> Iterator[Found]:
    """Yield (file, message id or ids, context) of every marked string of the product."""
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "/migrations/" not in str(path):
                yield from _of(path, path.read_bytes())
        for path in sorted((ROOT / app).rglob("templates/**/*.*")):
            yield from _of(path, _as_python(path))
    for line in EXTRA.read_text(encoding="utf-8").splitlines():
        if line:
            yield EXTRA.name, line, None


def _as_python(path: Path) -> bytes:
    from django.utils.translation.template import templatize

    # In brackets, so that the templates' indentation is none of Python's business.
    return f"({templatize(path.read_text(encoding='utf-8'), origin=str(path))}\n)".encode()


def _of(path: Path, source: bytes) -> Iterator[Found]:
    name = str(path.relative_to(ROOT))
    options = {"encoding": "utf-8"}
    for _line, message, _comments, context in extract("python", io.BytesIO(source), _KEYWORDS, options=options):
        yield name, message, context


def merged(language: str) -> Catalog:
    """Return the catalogue with exactly the strings that are there now, translated as far as they were."""
    path = _po(language)
    old = read_po(io.BytesIO(path.read_bytes() if path.exists() else _HEAD.encode()), locale=language)
    new = Catalog(locale=language, project="ALT_LAS", version="1", fuzzy=False, charset="utf-8")
    # As Django's own catalogue of the language has it; Babel knows one form for Turkish.
    new._num_plurals, new._plural_expr = old.num_plurals, old.plural_expr
    for name, message, context in strings():
        if message:
            new.add(message, locations=[(name, None)], context=context)  # type: ignore[arg-type,list-item]
    for entry in new:
        known = old.get(entry.id, entry.context) if entry.id else None
        if known is not None and known.string:
            entry.string = known.string
        entry.locations = sorted(set(entry.locations))
    return new


def missing(catalogue: Catalog) -> list[str]:
    return [str(entry.id) for entry in catalogue if entry.id and not _whole(entry)]


def _whole(entry: Message) -> bool:
    return all(entry.string) if isinstance(entry.string, tuple | list) else bool(entry.string)


def written(catalogue: Catalog) -> tuple[bytes, bytes]:
    """Return the text and the compiled form; without dates, so that the same strings are the same files."""
    text, compiled = io.BytesIO(), io.BytesIO()
    write_po(text, catalogue, omit_header=True, sort_output=True, width=120, include_lineno=False)
    whole = _HEAD.encode() + text.getvalue()
    stable = read_po(io.BytesIO(whole), locale=str(catalogue.locale))
    stable.creation_date = stable.revision_date = datetime(2000, 1, 1, tzinfo=UTC)
    write_mo(compiled, stable)
    return whole, compiled.getvalue()


def _po(language: str) -> Path:
    return FOLDER / language / "LC_MESSAGES" / "django.po"


def main(arguments: list[str]) -> int:
    bad = 0
    for language in LANGUAGES:
        catalogue = merged(language)
        text, compiled = written(catalogue)
        po = _po(language)
        mo = po.with_suffix(".mo")
        absent = missing(catalogue)
        for message in absent:
            print(f"{language}: not translated: {message}")
        if "--check" in arguments:
            current = po.exists() and po.read_bytes() == text and mo.exists() and mo.read_bytes() == compiled
            if not current:
                print(f"{language}: the catalogue is not current; run `make messages` and commit it")
            bad += len(absent) + (not current)
        else:
            po.parent.mkdir(parents=True, exist_ok=True)
            po.write_bytes(text)
            mo.write_bytes(compiled)
            print(f"{language}: {len(catalogue)} strings, {len(absent)} not translated")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
