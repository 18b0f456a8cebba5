"""A command as tasks and the edges between them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from segmentation.algorithms.command.clauses import Clause, Kind, Link, Piece, Role
from segmentation.algorithms.command.english import English
from segmentation.algorithms.command.graph import Edge, edges_of, with_data
from segmentation.algorithms.command.turkish import Turkish
from segmentation.algorithms.command.words import Word, words_of
from segmentation.algorithms.sentence.split import split_sentences
from segmentation.algorithms.spans import Span, spans_from_cuts

_GRAMMARS: dict[str, type[English] | type[Turkish]] = {"en": English, "tr": Turkish}
_LINE_MARK = re.compile(
    r"^[^\S\n]*(?:(?P<number>\(?(?:\d{1,3}|[a-zçğıöşü])[.)])|(?P<bullet>[-–*•·▪])|(?P<step>(?:step|adım)\s*\d+\s*[:.)]"
    r"|\d+\.\s*adım\s*:))\s+",
    re.IGNORECASE | re.MULTILINE,
)
_INLINE_MARK = re.compile(
    r"(?:^|(?<=[\s:;,.]))(?:(?P<number>\d{1,2})[.)]|(?:step|adım)\s+(?P<step>\d{1,2})\s*[:.)]"
    r"|(?P<adim>\d{1,2})\.\s*adım\s*:)\s+",
    re.IGNORECASE,
)
_WINDOW = 150  # words; nobody gives a command in a longer sentence
_SENTENCE_ENDS = tuple(".!?…\"'”’)")
_EDGE_MARKS = " \t\r\n\v\f,;:.–—"


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """``pieces`` are exact places in the command (more than one when another task stands between them); ``normal`` is
    the task as a command of its own. A condition is a task that nobody does."""

    pieces: tuple[Piece, ...]
    role: Role
    kind: Kind
    normal: str
    confidence: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """``spans`` cover the command; ``owners[i]`` is the number of the task that span ``i`` belongs to."""

    tasks: list[Task]
    edges: list[Edge]
    spans: list[Span]
    owners: list[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Block:
    """A list item, or all of a command without a list. ``ordered`` items come after the one before."""

    start: int
    end: int
    ordered: bool
    item: bool


def parse_command(text: str, language: str) -> Plan:
    """Return the tasks of ``text`` and their graph; languages other than Turkish are read as English.

    Every text has at least one task, and the spans keep the law of exactness.
    """
    grammar = _GRAMMARS.get(language, English)
    language = language if language in _GRAMMARS else "en"
    clauses: list[Clause] = []
    number = 0
    for block in _blocks(text):
        first = True
        for start, end in _sentences(text, block, language):
            for words in _windows(words_of(text, start, end, language)):
                found = grammar(words, number).read()
                if found and block.item and first and clauses:
                    _as_item(found, block)
                first = first and not found
                clauses.extend(found)
                number += 1
    if not clauses:
        stripped = text.strip()
        begin = text.find(stripped) if stripped else 0
        clauses = [Clause(pieces=[(begin, begin + max(len(stripped), 1))], confidence=0.5)]
    return _plan(text, clauses, language)


def _windows(words: list[Word]) -> Iterator[list[Word]]:
    """Yield ``words`` in stretches that the grammars, which look ahead, take in bounded time; cut at marks."""
    while len(words) > _WINDOW:
        size = next((i for i in range(_WINDOW, _WINDOW // 2, -1) if words[i - 1].is_mark), _WINDOW)
        yield words[:size]
        words = words[size:]
    if words:
        yield words


def _as_item(found: Sequence[Clause], block: _Block) -> None:
    for clause in found:
        if clause.kind is Kind.MAIN:
            if clause.link is not Link.OTHERWISE:
                clause.link = Link.THEN if block.ordered else Link.AND
            clause.confidence = 0.98
            return


def _sentences(text: str, block: _Block, language: str) -> list[Piece]:
    """Return the sentences of a block: cuts of the splitter behind a mark or at a line break. Where marks are missing
    altogether the grammar knows better where one command ends."""
    found: list[Piece] = []
    begin = block.start
    for span in split_sentences(text[block.start : block.end], language):
        end = block.start + span.end
        body = text[begin:end].rstrip()
        if end == block.end or body[-1:] in _SENTENCE_ENDS or "\n" in text[begin + len(body) : end]:
            found.append((begin, end))
            begin = end
    return found


def _blocks(text: str) -> list[_Block]:
    """Return the items of a list, numbered or not, one a line or inside a line; an introduction opens the first."""
    marks = [(m.start(), m.end(), m["bullet"] is None) for m in _LINE_MARK.finditer(text)]
    if len(marks) < 2:
        inline = [m for m in _INLINE_MARK.finditer(text)]
        numbers = [int(m["number"] or m["step"] or m["adim"]) for m in inline]
        ascending = len(numbers) > 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        marks = [(m.start(), m.end(), True) for m in inline] if ascending else []
    if not marks:
        return [_Block(start=0, end=len(text), ordered=False, item=False)]
    ends = [start for start, _, _ in marks[1:]] + [len(text)]
    introduction = text[: marks[0][0]].rstrip()
    found = [
        _Block(start=begin, end=end, ordered=ordered, item=True)
        for (_, begin, ordered), end in zip(marks, ends, strict=True)
    ]
    if introduction and not introduction.endswith(":"):
        found.insert(0, _Block(start=0, end=marks[0][0], ordered=False, item=False))
    return found


def _plan(text: str, clauses: list[Clause], language: str) -> Plan:
    clauses.sort(key=lambda clause: clause.start)
    edges = with_data(clauses, edges_of(clauses))
    places = sorted((piece, number) for number, clause in enumerate(clauses) for piece in clause.pieces)
    cuts = [_cut(text, before[0][1], after[0][0]) for before, after in itertools.pairwise(places)]
    scores = [round(clauses[number].confidence, 4) for _, number in places[1:]]
    tasks = [
        Task(
            pieces=tuple(clause.pieces),
            role=clause.role,
            kind=clause.kind,
            normal=normal_form(text, clauses, number, language),
            confidence=round(clause.confidence, 4),
        )
        for number, clause in enumerate(clauses)
    ]
    return Plan(tasks=tasks, edges=edges, spans=spans_from_cuts(len(text), cuts, scores), owners=[n for _, n in places])


def _cut(text: str, end: int, start: int) -> int:
    """Return where a piece that begins at ``start`` takes over: connectors belong to what they introduce."""
    while end < start and text[end] in _EDGE_MARKS + "!?)\"'”’»":
        end += 1
    return end


_POLITE = {
    "en": re.compile(
        r"^(?:(?:hi|hello|hey)\s*,\s*)?(?:(?:could|can|would|will) you(?: please)?|please|kindly|i(?:'d| would) like"
        r" you to|i (?:want|need) you to|let's|you (?:should|must|need to|have to))\s+"
        r"|,?\s*please\s*[?.!]*$|\s*[?.!,;]+$",
        re.IGNORECASE,
    ),
    "tr": re.compile(r"^(?:merhaba\s*,\s*)?(?:lütfen\s+)?|,?\s*lütfen\s*[?.!]*$|\s*[?.!,;]+$", re.IGNORECASE),
}


def normal_form(text: str, clauses: Sequence[Clause], number: int, language: str) -> str:
    """Return a clause as a text of its own: pieces joined, courtesies and outer marks gone, a shared object given."""
    clause = clauses[number]
    parts = [text[start:end] for start, end in clause.pieces]
    start, end = clause.pieces[-1]
    if clause.verb is not None and start <= clause.verb[0] < end:
        parts[-1] = text[start : clause.verb[0]] + clause.verb[1]
    joined = " ".join(" ".join(part.split()).strip(",;") for part in parts)
    found = _POLITE[language].sub("", joined) or joined
    if clause.shared == "next" and number + 1 < len(clauses):
        owner = next((c for c in clauses[number + 1 :] if c.shared != "next"), clauses[number + 1])
        following = text[owner.start : owner.end].split(" ", 1)
        if len(following) == 2:
            found = f"{found} {following[1]}"
    return found
