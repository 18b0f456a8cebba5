"""``manage.py segment``: segments files without the web process."""

from __future__ import annotations

import html
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from altlas.kernel.errors import AltlasError
from segmentation import local, options
from segmentation.conf import conf
from segmentation.texts import fault_of

_BAR = 30
_COLOURS = ("#fde68a", "#bfdbfe", "#bbf7d0", "#fecaca", "#ddd6fe")


class Command(BaseCommand):
    help = "Segment files. Strategies with vectors (topic) and models need a running node; the others run right here."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="UTF-8 text; - is the standard input")
        parser.add_argument("--strategy", choices=sorted(options.OPTIONS), default="sentence")
        parser.add_argument("--language", default="", help="ISO 639-1; detected when not given")
        parser.add_argument("--model", default="")
        parser.add_argument("--option", "-o", action="append", default=[], metavar="NAME=VALUE", help="JSON values")
        parser.add_argument("--format", choices=("json", "text", "html"), default="text")
        parser.add_argument("--output", type=Path, help="a file; the standard output when not given")
        parser.add_argument("--owner", default="", help="keep the results in this user's archive")

    def handle(self, *args: Any, **given: Any) -> None:
        chosen = self._options(given["strategy"], given["option"])
        results, failed = [], 0
        names = given["files"]
        for done, name in enumerate(names):
            self._bar(done, len(names), name)
            try:
                results.append((name, self._segment(name, given, chosen)))
            except (AltlasError, OSError, UnicodeDecodeError) as exc:
                failed += 1
                self.stderr.write(f"\n{name}: {exc}")
        self._bar(len(names), len(names), "")
        written = "".join(_FORMATS[given["format"]](results))
        if given["output"]:
            given["output"].write_text(written, encoding="utf-8")
        else:
            self.stdout.write(written, ending="")
        if failed:
            raise CommandError(f"{failed} of {len(names)} files could not be segmented.")

    def _options(self, strategy: str, pairs: list[str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for pair in pairs:
            name, _, value = pair.partition("=")
            try:
                values[name] = json.loads(value)
            except ValueError:
                values[name] = value
        chosen, faults = options.complete(strategy, values)
        if faults:
            raise CommandError("; ".join(f"{fault.pointer.rsplit('/', 1)[-1]}: {fault.detail}" for fault in faults))
        return chosen

    def _segment(self, name: str, given: dict[str, Any], chosen: dict[str, Any]) -> dict[str, Any]:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        text = data.decode("utf-8")
        fault = fault_of(text, pointer="", maximum=conf.max_characters)
        if fault is not None:
            raise AltlasError(fault.detail)
        return local.segment(
            text=text,
            strategy=given["strategy"],
            language=given["language"],
            model=given["model"],
            options=chosen,
            owner=given["owner"],
        )

    def _bar(self, done: int, count: int, name: str) -> None:
        if not self.stderr.isatty():
            return
        filled = _BAR * done // max(count, 1)
        line = f"\r[{'#' * filled}{'.' * (_BAR - filled)}] {done}/{count} {Path(name).name[:40]:40}"
        self.stderr.write(line, ending="\n" if done == count else "")
        self.stderr.flush()


Results = list[tuple[str, dict[str, Any]]]


def _json(results: Results) -> Iterator[str]:
    yield json.dumps([{"file": name, **body} for name, body in results], ensure_ascii=False, indent=2) + "\n"


def _text(results: Results) -> Iterator[str]:
    for name, body in results:
        if len(results) > 1:
            yield f"== {name}\n"
        for segment in body["segments"]:
            yield " ".join(segment["text"].split()) + "\n"
        for edge in body.get("edges", []):
            yield f"   {edge['source']} -> {edge['target']}  {edge['type']}\n"


def _html(results: Results) -> Iterator[str]:
    yield '<!doctype html>\n<html><head><meta charset="utf-8"><title>Segments</title><style>\n'
    yield "body{font:16px/1.7 sans-serif;max-width:50rem;margin:2rem auto}p{white-space:pre-wrap}\n"
    yield "".join(f".s{i}{{background:{colour}}}\n" for i, colour in enumerate(_COLOURS)) + "</style></head><body>\n"
    for name, body in results:
        yield f"<h2>{html.escape(name)}</h2>\n<p>"
        for segment in body["segments"]:
            mark = f"{segment['start']}–{segment['end']}, {segment['score']:.2f}"
            shown = html.escape(segment["text"])
            yield f'<span class="s{segment["index"] % len(_COLOURS)}" title="{mark}">{shown}</span>'
        yield "</p>\n"
    yield "</body></html>\n"


_FORMATS = {"json": _json, "text": _text, "html": _html}
