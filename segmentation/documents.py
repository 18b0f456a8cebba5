"""ALT documents: the tasks of a command as a document of their own, in YAML or JSON; checked on the way in and out.

    id: 0198…            version: "1.0"       command: the text        language: tr
    segments:
      - id: seg_1        task_type: action | question | condition      content: the task as a command of its own
        parameters: {spans: [[0, 12]], confidence: 0.97, …}
        dependencies: [{segment: seg_2, type: sequence, …}]            what has to be there first

A dependency names the segment that comes first. The graph of the dependencies has no circle.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from altlas.kernel.errors import FieldError
from segmentation import languages
from segmentation.algorithms.command.graph import EdgeType
from segmentation.exceptions import InvalidDocument

VERSION = "1.0"
TASK_TYPES = ("action", "question", "condition")
MAXIMUM = 2_000_000  # characters of a document
SEGMENTS = 10_000
_DEPTH = 20
_MEMBERS = {"id": str, "version": str, "command": str, "language": str, "segments": list}
_SEGMENT = {"id": str, "task_type": str, "content": str, "parameters": dict, "dependencies": list}


def document_of(*, id: str, command: str, language: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of what the strategy ``command`` found in ``command`` (offsets in code points).

    Raises:
        InvalidDocument: it does not hold together, which is a defect of ours.
    """
    segments = [_segment(task, extra["edges"]) for task in extra["tasks"]]
    return checked({"id": id, "version": VERSION, "command": command, "language": language, "segments": segments})


def _segment(task: Mapping[str, Any], edges: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    kind = "condition" if task["role"] == "condition" else "question" if _asks(task["text"]) else "action"
    return {
        "id": _name(task["index"]),
        "task_type": kind,
        "content": task["normalised"],
        "parameters": {"spans": task["spans"], "clause": task["kind"], "confidence": task["confidence"]},
        "dependencies": [
            {
                "segment": _name(edge["source"]),
                "type": edge["type"],
                "negated": edge["negated"],
                "evidence": edge["evidence_text"],
                "confidence": edge["confidence"],
            }
            for edge in edges
            if edge["target"] == task["index"]
        ],
    }


def _name(index: int) -> str:
    return f"seg_{index + 1}"


_QUESTIONS = ("what", "who", "where", "when", "which", "why", "how", "is", "are", "do", "does", "will")


def _asks(text: str) -> bool:
    return text.rstrip().endswith("?") or text.split(" ", 1)[0].lower() in _QUESTIONS


# Reading.


class _Loader(yaml.SafeLoader):
    """Plain values only, and no aliases: a few lines of them can stand for gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("aliases are not taken")
        return super().compose_node(parent, index)


def load(text: str) -> Any:
    """Return the value that ``text``, YAML or JSON, stands for.

    Raises:
        InvalidDocument: too long, or neither.
    """
    if len(text) > MAXIMUM:
        raise _fault("", "too_long", f"A document has at most {MAXIMUM} characters.")
    try:
        return json.loads(text) if text.lstrip()[:1] == "{" else yaml.load(text, Loader=_Loader)  # noqa: S506  # a SafeLoader
    except (ValueError, RecursionError, yaml.YAMLError) as exc:
        raise _fault("", "unreadable", f"Neither YAML nor JSON: {str(exc)[:300]}") from exc


def dump(document: Mapping[str, Any], *, form: str) -> str:
    """Return ``document`` as ``yaml`` or ``json``."""
    if form == "json":
        return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    return str(yaml.safe_dump(dict(document), allow_unicode=True, sort_keys=False, width=100))


# Checking.


def checked(value: Any) -> dict[str, Any]:
    """Return ``value`` when it is a document.

    Raises:
        InvalidDocument: ``errors`` names every member at fault.
    """
    faults = list(_faults(value))
    if faults:
        raise InvalidDocument(f"{faults[0].pointer or 'The document'}: {faults[0].detail}", errors=faults[:50])
    found: dict[str, Any] = value
    return found


def order_of(document: Mapping[str, Any]) -> list[str]:
    """Return the ids of the segments so that each stands behind what it depends on; ties by their place."""
    waits = {segment["id"]: {d["segment"] for d in segment["dependencies"]} for segment in document["segments"]}
    followers: dict[str, list[str]] = {name: [] for name in waits}
    for name, needed in waits.items():
        for other in needed:
            followers[other].append(name)
    found, ready = [], [name for name, needed in waits.items() if not needed]
    while ready:
        name = ready.pop(0)
        found.append(name)
        for other in followers[name]:
            waits[other].discard(name)
            if not waits[other]:
                ready.append(other)
    return found


def _faults(value: Any) -> Iterator[FieldError]:
    if not isinstance(value, dict):
        yield FieldError(pointer="", code="invalid", detail="A document is an object.")
        return
    wrong = list(_members(value, _MEMBERS, ""))
    yield from wrong
    if wrong:
        return
    if value["version"] != VERSION:
        yield FieldError(pointer="/version", code="unknown", detail=f"Version {VERSION} is known.")
    if languages.normal(value["language"]) not in languages.KNOWN:
        yield FieldError(pointer="/language", code="unknown", detail="Not a language we know; use ISO 639-1.")
    if not value["segments"] or len(value["segments"]) > SEGMENTS:
        yield FieldError(pointer="/segments", code="out_of_range", detail=f"One to {SEGMENTS} segments.")
        return
    for place, segment in enumerate(value["segments"]):
        wrong.extend(_segment_faults(segment, f"/segments/{place}", len(value["command"])))
    yield from wrong
    if not wrong:
        yield from _graph_faults(value)


def _members(value: Mapping[Any, Any], known: Mapping[str, type], at: str) -> Iterator[FieldError]:
    for name, kind in known.items():
        if name not in value:
            yield FieldError(pointer=f"{at}/{name}", code="required", detail="This member is missing.")
        elif not isinstance(value[name], kind):
            yield FieldError(pointer=f"{at}/{name}", code="invalid", detail=f"Give a {kind.__name__}.")
    for name in value:
        if name not in known:
            detail = f"There is no such member; there are {', '.join(known)}."
            yield FieldError(pointer=f"{at}/{name}", code="unknown_member", detail=detail)


def _segment_faults(segment: Any, at: str, length: int) -> Iterator[FieldError]:
    if not isinstance(segment, dict):
        yield FieldError(pointer=at, code="invalid", detail="A segment is an object.")
        return
    wrong = list(_members(segment, _SEGMENT, at))
    yield from wrong
    if wrong:
        return
    if segment["task_type"] not in TASK_TYPES:
        yield FieldError(pointer=f"{at}/task_type", code="unknown", detail=f"One of {', '.join(TASK_TYPES)}.")
    if not segment["id"] or not segment["content"].strip():
        yield FieldError(pointer=at, code="blank", detail="id and content may not be empty.")
    if not _is_plain(segment["parameters"]):
        yield FieldError(pointer=f"{at}/parameters", code="invalid", detail="Plain values, not nested too deeply.")
    elif not _spans_fit(segment["parameters"].get("spans", []), length):
        yield FieldError(
            pointer=f"{at}/parameters/spans", code="out_of_range", detail="Ascending [start, end] inside the command."
        )
    for place, dependency in enumerate(segment["dependencies"]):
        yield from _dependency_faults(dependency, f"{at}/dependencies/{place}")


def _dependency_faults(dependency: Any, at: str) -> Iterator[FieldError]:
    if not isinstance(dependency, dict) or not isinstance(dependency.get("segment"), str):
        yield FieldError(pointer=f"{at}/segment", code="invalid", detail="Name the segment that comes first.")
    elif dependency.get("type") not in list(EdgeType):
        yield FieldError(pointer=f"{at}/type", code="unknown", detail=f"One of {', '.join(EdgeType)}.")
    elif not _is_plain(dependency):
        yield FieldError(pointer=at, code="invalid", detail="Plain values, not nested too deeply.")


def _graph_faults(document: Mapping[str, Any]) -> Iterator[FieldError]:
    names = [segment["id"] for segment in document["segments"]]
    if len(set(names)) < len(names):
        yield FieldError(pointer="/segments", code="duplicate", detail="Ids of segments are unique.")
        return
    known = set(names)
    unknown = False
    for place, segment in enumerate(document["segments"]):
        for number, dependency in enumerate(segment["dependencies"]):
            if dependency["segment"] not in known:
                unknown = True
                pointer = f"/segments/{place}/dependencies/{number}/segment"
                yield FieldError(pointer=pointer, code="unknown", detail="There is no such segment.")
    if not unknown and len(order_of(document)) < len(names):
        yield FieldError(pointer="/segments", code="circle", detail="The dependencies close a circle.")


def _spans_fit(spans: Any, length: int) -> bool:
    if not isinstance(spans, list):
        return False
    at = 0
    for span in spans:
        if not isinstance(span, list) or len(span) != 2 or not all(type(place) is int for place in span):
            return False
        if not at <= span[0] < span[1] <= length:
            return False
        at = span[1]
    return True


def _is_plain(value: Any, depth: int = 0) -> bool:
    if depth > _DEPTH:
        return False
    if isinstance(value, dict):
        return all(isinstance(name, str) and _is_plain(part, depth + 1) for name, part in value.items())
    if isinstance(value, list):
        return all(_is_plain(part, depth + 1) for part in value)
    return value is None or isinstance(value, str | int | float | bool)


def _fault(pointer: str, code: str, detail: str) -> InvalidDocument:
    return InvalidDocument(detail, errors=[FieldError(pointer=pointer, code=code, detail=detail)])
