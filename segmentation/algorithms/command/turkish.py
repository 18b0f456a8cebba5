"""Turkish clauses of a command: verb last, so a clause ends with the form of its verb."""

from __future__ import annotations

import re
from collections.abc import Sequence

from segmentation.algorithms.command import turkish_words as lex
from segmentation.algorithms.command.clauses import Clause, Kind, Link, Role
from segmentation.algorithms.command.turkish_objects import (
    front_object,
    has_own_subject,
    is_accusative,
    object_is_missing,
    reference,
)
from segmentation.algorithms.command.turkish_verbs import Form, is_tensed, plain, read
from segmentation.algorithms.command.words import Word, matches

_CONNECTORS = ((lex.OTHERWISE, Link.OTHERWISE), (lex.THEN, Link.THEN), (lex.PARALLEL, Link.AND))
_KINDS = {
    Form.DIKTEN: Kind.AFTER,
    Form.MEDEN: Kind.BEFORE,
    Form.KEN: Kind.WHILE,
    Form.INCE: Kind.IF,
    Form.DIGINDE: Kind.IF,
    Form.DIKCE: Kind.EACH,
    Form.SE: Kind.IF,
}
_TIMES = frozenset(["zaman", "an", "anda", "gün", "sürece", "vakit", "takdirde"])
_AORIST = re.compile(r"^(.{2,}?)[aeıiuü]?r$")
_UNITS = frozenset(
    [
        "gün",
        "sabah",
        "akşam",
        "gece",
        "hafta",
        "ay",
        "yıl",
        "saat",
        "pazar",
        "pazartesi",
        "salı",
        "çarşamba",
        "perşembe",
        "cuma",
        "cumartesi",
        "dakika",
        "saniye",
        "biri",
    ]
)


class Turkish:
    """Reads the words of one sentence into clauses."""

    def __init__(self, words: Sequence[Word], sentence: int) -> None:
        self.words = words
        self.sentence = sentence
        self.clauses: list[Clause] = []
        self.readings = [read(word.low.split("'")[0] if word.is_mark else word.low) for word in words]
        self._fragment: tuple[int, int] | None = None
        self._link: Link = Link.NONE  # what a converb says of the clause after it
        self._evidence: tuple[int, int] | None = None

    def read(self) -> list[Clause]:
        start = 0
        at = 0
        while at < len(self.words):
            end, kind, by = self._ends_at(at, start)
            if end:
                self._close(start, end, kind, verb=by)
                start = at = end
            else:
                at += 1
        self._close(start, len(self.words), Kind.MAIN, verb=-1)
        return self.clauses

    # Where a clause ends.

    def _ends_at(self, at: int, start: int) -> tuple[int, Kind, int]:
        """Return the word after a clause whose verb is at ``at`` (0: none ends here), its kind and its verb."""
        none = (0, Kind.MAIN, -1)
        word, form = self.words[at], self.readings[at].form
        if word.quoted or word.is_mark:
            return none
        subordinate = self._subordinate(at, start)
        if subordinate[0]:
            return (*subordinate, at)
        if form is Form.IP:
            ahead = self._verb_ahead(at + 1)
            if ahead is Form.FINITE and self._asks(start, at) and not self._asks(at + 1, len(self.words)):
                return none  # "hangi uçuşlar kalkıp varıyor": one question about one subject
            return none if ahead in (Form.NOMINAL, Form.DIGI, Form.NONE) else (at + 1, Kind.MAIN, at)
        if not self._is_predicate(at, start):
            return none
        end = at + 1
        while end < len(self.words) and self.words[end].low in lex.CLOSERS:
            end += 1
        return (end, Kind.MAIN, at) if self._more_follows(end, start, at) else none

    def _subordinate(self, at: int, start: int) -> tuple[int, Kind]:
        word, form = self.words[at], self.readings[at].form
        following = self.words[at + 1].low if at + 1 < len(self.words) else ""
        aorist = _AORIST.match(word.low) if following.endswith(("maz", "mez")) else None
        candidate = form in _KINDS or form is Form.DIGI or word.low == "için" or aorist
        if not candidate or (not self.clauses and self._verb_ahead(at + 1) is Form.NONE):
            return 0, Kind.MAIN
        if form is Form.DIKTEN:
            return (at + 2, Kind.AFTER) if following == "sonra" else (0, Kind.MAIN)
        if form is Form.MEDEN:
            return (at + 2, Kind.BEFORE) if following in ("önce", "evvel") else (0, Kind.MAIN)
        if form is Form.DIGI and following in _TIMES:
            return at + 2, Kind.EACH if self._has_each(start, at) else Kind.IF
        if word.low == "için" and self._has_each(start, at):
            return at + 1, Kind.EACH
        if aorist and following.startswith(aorist[1][:-1] or aorist[1]):
            return at + 2, Kind.IF
        if form is Form.KEN and self._verb_ahead(at + 1) in (Form.NOMINAL, Form.DIGI):
            return 0, Kind.MAIN
        if form is Form.SE and word.text[0].isupper() and not is_tensed(word.low):
            return 0, Kind.MAIN  # a name: "Lufthansa"
        if form in _KINDS:
            kind = _KINDS[form]
            if form is Form.SE and at == start and word.low in ("yoksa", "değilse"):
                return 0, Kind.MAIN
            each = self._has_each(start, at) or matches(self.words, start, lex.WHENEVER) > 0
            return at + 1, Kind.EACH if kind is Kind.IF and each else kind
        return 0, Kind.MAIN

    def _asks(self, start: int, end: int) -> bool:
        return any(word.low in lex.QUESTIONS or word.low in lex.PARTICLES for word in self.words[start:end])

    def _has_each(self, start: int, at: int) -> bool:
        for place in range(start, at):
            if self.words[place].low == "her" and not _UNITS & {word.low for word in self.words[place + 1 : at]}:
                return True
        return False

    def _is_predicate(self, at: int, start: int) -> bool:
        """Whether a main clause may end at ``at``."""
        word, form = self.words[at], self.readings[at].form
        following = self.words[at + 1] if at + 1 < len(self.words) else None
        if following is not None and following.low in lex.PARTICLES:
            return False
        if word.low in lex.PARTICLES:
            return True
        nominal = word.low in lex.NOMINAL
        if form is Form.NONE and not nominal and following is not None and not following.is_mark:
            return False
        pause = following is None or following.is_mark or self._connector(at + 1) > 0 or following.low in lex.CLOSERS
        if form is Form.IMPERATIVE:
            if pause:
                return True
            if at == start or word.low in lex.NEVER_UNMARKED or word.low.endswith(("me", "ma", "malı", "meli")):
                return False
            certain = word.low not in lex.AMBIGUOUS and word.low not in lex.AUXILIARY
            return certain or is_accusative(self.words[at - 1]) or self.words[at - 1].low in lex.COMPOUND
        if form is Form.FINITE:
            return pause
        if form is Form.WISH:
            return pause and any(later.low in lex.WISHES for later in self.words[at + 1 :])
        if nominal:
            asked = any(w.low in lex.QUESTIONS for w in self.words[start : at + 1])
            return pause and (asked or word.low in ("lazım", "gerek"))
        if form is Form.NONE and self.readings[at].stem:
            return following is None or following.text in ".!"
        if word.low.endswith(("mı", "mi")) or not pause:
            return False
        last = form is Form.NONE and all(w.is_mark for w in self.words[at + 1 :])
        return last and any(w.low in lex.QUESTIONS for w in self.words[start:at])

    def _connector(self, at: int) -> int:
        for listed, _ in _CONNECTORS:
            size = matches(self.words, at, listed)
            if size:
                return size
        return 0

    def _more_follows(self, end: int, start: int, at: int) -> bool:
        """Whether the clause that ends before ``end`` may be cut off: something is commanded or asked after it, or
        a condition follows it."""
        if end >= len(self.words):
            return True
        if all(word.is_mark or word.low in lex.CLOSERS for word in self.words[end:]):
            return True
        following = self.words[end]
        pause = following.is_mark or self._connector(end) > 0
        if self._asks(start, at) and self.readings[at].form is Form.FINITE and not self._asks(end, len(self.words)):
            return self._verb_ahead(end) is Form.IMPERATIVE  # one question, two verbs
        for place in range(end, len(self.words)):
            if self._is_predicate(place, end) and not self.words[place].quoted:
                return pause or place > end
            if self.readings[place].form in _KINDS and not self.words[place].quoted:
                return self._subordinate(place, end)[0] > 0 or self.readings[place].form is Form.SE
        return False

    def _verb_ahead(self, at: int) -> Form:
        """Return the form of the next verb from ``at`` on."""
        for place in range(at, len(self.words)):
            form = self.readings[place].form
            if self.words[place].low in lex.PARTICLES:
                return Form.FINITE
            if form is Form.IMPERATIVE and not self._is_predicate(place, at):
                continue
            if form is not Form.NONE:
                return form
            if self._is_predicate(place, at):
                return Form.FINITE
        return Form.NONE

    # Clauses.

    def _opening(self, start: int, end: int) -> tuple[int, Link]:
        """Consume marks, connectors and openers; return where the clause itself begins, and the link."""
        link = Link.NONE
        moved = True
        while moved and start < end:
            moved = False
            word = self.words[start]
            if (word.is_mark and not word.quoted) or word.low in lex.IF_OPENERS | lex.OPENERS:
                start, moved = start + 1, True
                continue
            for listed, value in _CONNECTORS:
                size = matches(self.words, start, listed)
                if size and start + size < end and not (value is Link.OTHERWISE and not self._conditional()):
                    link = value if link in (Link.NONE, Link.AND) else link
                    start, moved = start + size, True
                    break
            if not moved and (size := matches(self.words, start, lex.FIRST)) and start + size < end:
                start, moved = start + size, True
        return start, link

    def _conditional(self) -> bool:
        # A sentence may begin with "aksi halde": the graph looks for the condition before it.
        return True

    def _close(self, start: int, end: int, kind: Kind, *, verb: int) -> None:
        gap = start
        begin, link = self._opening(start, end)
        while end > begin and self.words[end - 1].is_mark and not self.words[end - 1].quoted:
            end -= 1
        if begin >= end:
            return
        if verb < 0 and not self._may_stand_alone(begin, end):
            self._append(begin, end)
            return
        inside = self.words[begin:end]
        if kind is Kind.IF and self._is_otherwise(inside):
            self._link, self._evidence = Link.OTHERWISE, (inside[0].start, inside[-1].end)
            return
        last = self.clauses[-1] if self.clauses else None
        if kind is not Kind.MAIN and last is not None and last.kind is kind and link is Link.AND:
            last.pieces[-1] = (last.pieces[-1][0], inside[-1].end)  # "if this and that": one condition
            return
        clause = self._clause(begin, end, kind, verb, link, gap)
        self.clauses.append(clause)
        if kind is Kind.MAIN and verb >= 0 and self.readings[verb].form is Form.IP:
            self._link, self._evidence = Link.THEN, (self.words[verb].start, self.words[verb].end)

    def _may_stand_alone(self, begin: int, end: int) -> bool:
        return not self.clauses or all(clause.kind is not Kind.MAIN for clause in self.clauses)

    def _append(self, begin: int, end: int) -> None:
        """Words without a verb after the last clause belong to it, unless they are a courtesy."""
        if all(word.low in lex.CLOSERS for word in self.words[begin:end]):
            return
        last = self.clauses[-1]
        last.pieces[-1] = (last.pieces[-1][0], self.words[end - 1].end)

    def _is_otherwise(self, inside: Sequence[Word]) -> bool:
        """Whether a clause of one word denies the condition before: "… vermezse", "bulamazsan"."""
        if len(inside) != 1 or not re.search(r"m[ae]zs[ae][mnk]?$|^değil(?:ler)?se$|^yoksa$", inside[0].low):
            return False
        conditions = [clause for clause in self.clauses if clause.kind is Kind.IF]
        return bool(conditions) and self.clauses[-1].kind is Kind.MAIN

    def _clause(self, begin: int, end: int, kind: Kind, verb: int, link: Link, gap: int) -> Clause:
        stem = self.readings[verb].stem if verb >= 0 else ""
        pieces = []
        if kind is not Kind.MAIN and verb > begin:
            begin = self._take_fragment(begin, verb, stem, kind)
        if kind is Kind.MAIN and self._fragment is not None:
            pieces.append(self._fragment)
            self._fragment = None
            self.clauses[-1].inserted = True
        inside = self.words[begin:end]
        pieces.append((inside[0].start, inside[-1].end))
        connector = [word for word in self.words[gap:begin] if not word.is_mark]
        evidence = (connector[0].start, connector[-1].end) if connector else None
        if link is Link.NONE and self._link is not Link.NONE and kind is Kind.MAIN:
            link, evidence = self._link, evidence or self._evidence
        if kind is Kind.MAIN:
            self._link = Link.NONE
        else:
            evidence = (self.words[verb].start, inside[-1].end)
        before = self.words[begin:verb] if verb >= 0 else inside
        clause = Clause(
            pieces=pieces,
            kind=kind,
            role=self._role(kind, before, stem),
            link=link,
            evidence=evidence,
            negated=self.words[verb].low.endswith(("medikçe", "madıkça")) if verb >= 0 else False,
            trailing=kind is not Kind.MAIN and self._is_trailing(end, kind),
            sentence=self.sentence,
            confidence=self._confidence(kind, bool(connector), gap, begin),
        )
        clause.verb = self._imperative(verb) if clause.role is Role.TASK else None
        if kind is Kind.MAIN and (self.clauses or self.sentence) and link is not Link.OTHERWISE:
            clause.data = self._data(before, verb, clause)
        return clause

    def _imperative(self, verb: int) -> tuple[int, str] | None:
        """Return where the verb begins and its imperative, when it stands in another form of command."""
        request = verb > 0 and self.words[verb].low in lex.PARTICLES and self.words[verb].low[2:3] == "s"
        at = verb - 1 if request else verb
        if at < 0:
            return None
        reading = self.readings[at]
        other = reading.form in (Form.IP, Form.DIKTEN, Form.MEDEN) or (request and reading.form is Form.FINITE)
        return (self.words[at].start, plain(reading.stem)) if other and reading.stem else None

    def _take_fragment(self, begin: int, verb: int, stem: str, kind: Kind) -> int:
        """Set aside what stands before an inserted clause and belongs to the main one; return where the insertion
        begins: after a comma behind an object, or after the object of a verb that takes none."""
        before = self.words[begin:verb]
        commas = [place for place, word in enumerate(before) if word.text == ","]
        size = 0
        if commas and front_object(before[: commas[0]]) == commas[0]:
            size = commas[0]
        elif (
            self._verb_ahead(verb + 1) is not Form.NONE
            and kind is Kind.IF
            and (stem in lex.INTRANSITIVE or not stem or not _is_verb(stem))
        ):
            size = front_object(before)
            if size == len(before):
                size = 0
        if size:
            self._fragment = (before[0].start, before[size - 1].end)
            begin += size
            while begin < verb and self.words[begin].is_mark:
                begin += 1
        return begin

    def _is_trailing(self, end: int, kind: Kind) -> bool:
        last = self.clauses[-1] if self.clauses else None
        if last is None or last.kind is not Kind.MAIN:
            return False
        return not any(self._is_predicate(place, end) for place in range(end, len(self.words)))

    def _role(self, kind: Kind, before: Sequence[Word], stem: str) -> Role:
        if kind is Kind.MAIN:
            return Role.TASK
        if kind in (Kind.AFTER, Kind.BEFORE) and not has_own_subject(before, stem):
            return Role.TASK
        return Role.CONDITION

    def _data(self, before: Sequence[Word], verb: int, clause: Clause) -> tuple[int, int] | None:
        found = reference(before)
        if found is not None:
            return found
        if verb < 0 or len(clause.pieces) > 1 or not self.clauses:
            return None
        last = self.clauses[-1]
        if last.role is Role.CONDITION and not any(c.kind is Kind.MAIN for c in self.clauses):
            return None
        low = self.words[verb].low
        stem = self.readings[verb].stem
        if low in lex.PARTICLES:
            stem = self.readings[verb - 1].stem if before else ""
            before = before[:-1]
        if any(word.low in lex.QUESTIONS for word in before):
            return None
        return (self.words[verb].start, self.words[verb].start) if object_is_missing(before, stem) else None

    def _confidence(self, kind: Kind, connector: bool, gap: int, begin: int) -> float:
        """Return how sure a cut is: a connector or a subordinate ending says more than a comma, that more than
        nothing."""
        if not self.clauses and gap == 0:
            return 0.97
        if kind is not Kind.MAIN or self._evidence is not None:
            return 0.95
        return 0.95 if connector else 0.88 if begin > gap else 0.75


def _is_verb(stem: str) -> bool:
    return stem in lex.STEMS
