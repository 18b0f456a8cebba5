"""Turkish and English throughout: nothing that is marked lacks a translation, nothing that is shown lacks its mark."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation
from django.utils.translation import gettext

from orchestrator.admin.words import words
from orchestrator.supervisor.states import State
from tests.support import messages
from tests.support.stack import ROOT

# Words of keyword arguments that a person reads in the admin.
_SHOWN = {"description", "verbose_name", "verbose_name_plural", "short_description", "label", "form_submit_text"}


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_every_marked_string_is_translated(language: str) -> None:
    assert messages.missing(messages.merged(language)) == [], "run `make messages` and fill in what it lists"


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_the_committed_catalogues_are_those_of_the_sources(language: str) -> None:
    text, compiled = messages.written(messages.merged(language))
    po = messages.FOLDER / language / "LC_MESSAGES" / "django.po"
    assert po.read_bytes() == text, "run `make messages` and commit it"
    assert po.with_suffix(".mo").read_bytes() == compiled, "run `make messages` and commit it"


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_translations_have_the_placeholders_of_their_originals(language: str) -> None:
    placeholder = re.compile(r"%\(\w+\)[sd]|%[sd]")
    for entry in messages.merged(language):
        originals = entry.id if isinstance(entry.id, tuple | list) else (entry.id,)
        translations = entry.string if isinstance(entry.string, tuple | list) else (entry.string,)
        wanted = set(placeholder.findall(originals[-1])) if entry.id else set()
        for text in translations if entry.id else ():
            assert set(placeholder.findall(text)) == wanted, (entry.id, text)


def test_the_compiled_catalogue_is_what_django_reads() -> None:
    with translation.override("tr"):
        assert gettext("Workbench") == "Çalışma masası"
        assert translation.ngettext("%d session was ended.", "%d sessions were ended.", 2) % 2 == "2 oturum bitirildi."


def test_a_string_without_a_translation_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "strings", lambda: iter([("x.py", "Nobody has translated this", None)]))
    assert messages.missing(messages.merged("tr")) == ["Nobody has translated this"]


def templates() -> list[Path]:
    return [path for app in messages.APPS for path in sorted((ROOT / app).rglob("templates/**/*.html"))]


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.name)
def test_templates_show_no_words_that_are_not_marked(path: Path) -> None:
    text = re.sub(r"\{% (?:blocktrans|blocktranslate).*?\{% end\w+ %\}", "", path.read_text(), flags=re.DOTALL)
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<!--.*?-->", "", text, flags=re.DOTALL)
    # Commands and the product's name are the same in every language.
    text = re.sub(r"<(script|style|code)\b.*?</\1>", "", text, flags=re.DOTALL).replace("ALT_LAS", "")
    shown = re.sub(r"<[^>]*>", "\n", text)
    shown += "\n".join(re.findall(r'(?:placeholder|title|aria-label|alt)="([^"]*)"', text))
    words = [line.strip() for line in shown.splitlines() if re.search(r"[A-Za-z]{3,}", line)]
    assert words == []


def unmarked(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(node, ast.keyword) and node.arg in _SHOWN and isinstance(node.value, ast.Constant)):
            continue
        # Small letters: USS and PSS are the same in every language.
        if isinstance(node.value.value, str) and re.search(r"[a-z]{3,}", node.value.value):
            yield f"{path.relative_to(ROOT)}:{node.value.lineno} {node.value.value}"


def test_the_admins_own_words_are_marked() -> None:
    files = [
        path for app in messages.APPS for path in (ROOT / app).rglob("*.py") if "admin" in str(path.relative_to(ROOT))
    ]
    assert [found for path in files for found in unmarked(path)] == []


def test_the_live_cache_pages_script_says_nothing_that_was_not_translated_for_it() -> None:
    script = (ROOT / "orchestrator/static/orchestrator/cache.js").read_text()
    said = set(re.findall(r'word\("([^"]+)"', script)) | set(
        re.findall(r'^    \["([^"]+)", \(r\)', script, re.MULTILINE)
    )
    said |= set(re.findall(r'^    (?:unload|cancel|drain): "([^"]+)"', script, re.MULTILINE))
    said |= {state.value for state in State}
    with translation.override("tr"):
        known = words()
    assert len(said) > 30
    assert said <= set(known)
    # These are the same in Turkish.
    assert {text for text, translated in known.items() if text == translated} == {"model", "pid"}
