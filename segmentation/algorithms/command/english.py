"""English clauses of a command: verb first, so a clause begins where a verb may begin one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from segmentation.algorithms.command import english_words as lex
from segmentation.algorithms.command.clauses import Clause, Kind, Link, Role
from segmentation.algorithms.command.words import Word, matches
from segmentation.algorithms.wordlist import words

_PAUSES = frozenset(",;:–—")
_ENDS = frozenset(".!?")
_CONNECTORS = ((lex.OTHERWISE, Link.OTHERWISE), (lex.THEN, Link.THEN), (lex.PARALLEL, Link.AND))
_SUBORDINATORS = (
    (lex.EACH, Kind.EACH),
    (lex.IF, Kind.IF),
    (lex.WHILE, Kind.WHILE),
    (lex.AFTER, Kind.AFTER),
    (lex.BEFORE, Kind.BEFORE),
)
_VERBS = lex.VERBS | lex.AMBIGUOUS
_STATIVE = words("arrive come leave sleep eat wait have like need be happen rain snow become appear ring")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Break:
    """A clause may begin at word ``at``; the connector before it begins at ``gap``."""

    gap: int
    at: int
    link: Link
    pause: bool
    kind: Kind = Kind.MAIN
    resumes: bool = False  # goes on with the main clause before the one that ends


class English:
    """Reads the words of one sentence into clauses."""

    def __init__(self, words: Sequence[Word], sentence: int) -> None:
        self.words = words
        self.sentence = sentence
        self.clauses: list[Clause] = []

    def read(self) -> list[Clause]:
        opening = self._open(0, 0, pause=False)
        at = opening.at
        while at < len(self.words):
            following = self._next_break(at, opening)
            end = following.gap if following else len(self.words)
            self._close(at, end, opening)
            if following is None:
                break
            opening, at = following, following.at
        return self.clauses

    # Where the next clause begins.

    def _next_break(self, start: int, opening: _Break) -> _Break | None:
        at = start + 1
        while at < len(self.words):
            word = self.words[at]
            if word.quoted:
                at += 1
                continue
            gap = at
            found = self._open(at, gap, pause=False)
            if found.at > at:
                if found.at < len(self.words) and self._begins(found, start, opening):
                    return found
                if self._resumes_fragment(found, opening):
                    return replace(found, resumes=True)
                at = max(found.at, at + 1) if found.kind is Kind.MAIN else at + 1
                continue
            at += 1
        return self._unmarked(start, opening) if opening.kind is not Kind.MAIN else None

    def _open(self, at: int, gap: int, *, pause: bool) -> _Break:
        """Consume marks, connectors and a subordinator from ``at`` on."""
        link = Link.NONE
        moved = True
        while moved and at < len(self.words):
            moved = False
            word = self.words[at]
            if word.text in _PAUSES or (word.is_mark and word.text in _ENDS):
                at, pause, moved = at + 1, True, True
                continue
            for listed, value in _CONNECTORS:
                size = matches(self.words, at, listed)
                if size:
                    link = value if link in (Link.NONE, Link.AND) else link
                    at, moved = at + size, True
                    break
            if not moved and (size := matches(self.words, at, lex.FIRST)) and gap == 0:
                at, moved = at + size, True
        for subordinators, kind in _SUBORDINATORS:
            size = matches(self.words, at, subordinators)
            inside = size and self.words[at].low == "for" and gap and not pause  # "an alarm for every ten minutes"
            if size and not inside and self._subordinates(at, at + size, kind):
                return _Break(gap=gap, at=at + size, link=link, pause=pause, kind=kind)
        return _Break(gap=gap, at=at, link=link, pause=pause)

    def _begins(self, found: _Break, start: int, opening: _Break) -> bool:
        left = self.words[start : found.gap]
        if found.kind is not Kind.MAIN:
            marked = found.pause or found.link is not Link.NONE
            return marked or not self._is_complement(found, start)
        if opening.kind is not Kind.MAIN:
            if opening.kind is Kind.EACH and opening.gap == 0 and not found.pause:
                return False
            return self._starts_main(found.at, left, found)
        asked = found.at < len(self.words) and self.words[found.at].low in lex.QUESTIONS
        strong = found.link is Link.THEN or asked  # also behind a request without a verb: "flights to Rome, then …"
        if not strong and not opening.resumes and not self._has_predicate(start, found.gap):
            return False
        if found.link is Link.AND and self._governed(left, found):
            return False
        return self._starts_main(found.at, left, found)

    def _starts_main(self, at: int, left: Sequence[Word], found: _Break) -> bool:
        at, polite = self._skip_polite(at)
        if at >= len(self.words):
            return False
        word = self.words[at]
        following = self.words[at + 1] if at + 1 < len(self.words) else None
        if word.is_mark or word.quoted:
            return False
        if word.low in lex.QUESTIONS:
            return following is not None and not self._reports(left)
        if word.low in lex.AUXILIARIES and word.low not in lex.AMBIGUOUS:
            return following is not None and following.low in lex.SUBJECTS
        if polite == "wish":
            return True
        if word.low not in _VERBS:
            return False
        return self._is_verb(at, left, found, polite=bool(polite))

    def _is_verb(self, at: int, left: Sequence[Word], found: _Break, *, polite: bool) -> bool:
        """Whether the base form at ``at`` is a verb here, not a noun of a list."""
        word = self.words[at]
        following = self.words[at + 1] if at + 1 < len(self.words) else None
        connected = matches(self.words, at + 1, lex.PARALLEL) > 0 or matches(self.words, at + 1, lex.THEN) > 0
        bare_left = self._content(left) == 1
        if following is None or following.is_mark or connected:
            return bare_left or polite or word.low in lex.INTRANSITIVE
        if following.low == "of" or following.low in lex.AUXILIARIES:
            return False
        if word.low in lex.VERBS:
            return True
        if following.low in lex.OBJECT_START or following.low[0].isdigit() or following.text[0].isupper():
            return True
        # "mash the potatoes and salt water": a noun may follow a verb that is a noun too, but not inside a list.
        return bare_left or (found.link is Link.THEN) or not any(word.text == "," for word in left)

    def _skip_polite(self, at: int) -> tuple[int, str]:
        polite = ""
        while at < len(self.words):
            size = matches(self.words, at, lex.POLITE)
            wish = matches(self.words, at, lex.BARE_POLITE)
            if size:
                polite = "wish" if wish else "polite"
                at += size
            elif (
                self.words[at].low in ("please", "quickly", "immediately", "also", "just")
                or (polite and self.words[at].text == ",")
                or (self.words[at].low.endswith("ly") and self.words[at].low not in _VERBS)
            ):
                at += 1
            else:
                break
        return at, polite

    def _has_predicate(self, start: int, end: int) -> bool:
        at, polite = self._skip_polite(start)
        if at >= end:
            return False
        low = self.words[at].low
        if polite or low in _VERBS or low in lex.QUESTIONS or low in lex.AUXILIARIES:
            return True
        return any(self._finite(i, start) for i in range(start + 1, end))

    def _governed(self, left: Sequence[Word], found: _Break) -> bool:
        """Whether ``and`` joins verbs inside the complement or the relative clause of ``left``."""
        lows = [word.low for word in left]
        if "to" in lows:
            to = lows.index("to")
            if to + 1 < len(lows) and lows[to + 1] in _VERBS:
                polite = self._skip_polite(self.words.index(left[0]))[0] > self.words.index(left[0]) + to
                governed = any(low in lex.GOVERNING for low in lows[:to]) or "how" in lows[:to]
                if governed and not polite and not found.pause:
                    return True
        for place, low in enumerate(lows):
            if low in ("that", "who", "which") and place and lows[place - 1] not in _VERBS and len(lows) - place <= 3:
                return True
        return self._reports(left) and "whether" in lows

    def _reports(self, left: Sequence[Word]) -> bool:
        lows = [word.low for word in left]
        return any(low in ("ask", "whether") for low in lows) and bool(set(lows) & (lex.QUESTIONS | {"whether", "if"}))

    # Subordinate clauses.

    def _subordinates(self, at: int, content: int, kind: Kind) -> bool:
        if content >= len(self.words):
            return False
        first = self.words[content]
        if self.words[at].low == "when" and first.low in lex.AUXILIARIES:
            return False  # a question
        if self.words[at].low == "once" and first.low in ("a", "an", "every", "per", "more", "again"):
            return False
        end = next((i for i in range(content, len(self.words)) if self.words[i].text in _PAUSES | _ENDS), None)
        if matches(self.words, at, lex.FOR_EACH):
            return end is not None and end + 1 < len(self.words)
        end = len(self.words) if end is None else end
        if kind in (Kind.AFTER, Kind.BEFORE) and self._is_gerund(first.low):
            return True
        if kind not in (Kind.AFTER, Kind.BEFORE) and self.words[at].low != "once":
            return True
        return any(self._finite(i, content) for i in range(content, end))

    def _finite(self, at: int, start: int) -> bool:
        low = self.words[at].low
        if low in lex.FINITE:
            return True
        if at == start:
            return False
        previous = self.words[at - 1]
        if low.endswith("ed") and len(low) > 4:
            return True
        if previous.low in ("the", "a", "an", "my", "your", "of", "to", "for", "and"):
            return False
        if low.endswith("s") and (low[:-1] in _VERBS or low[:-2] in _VERBS or low[:-1] in _STATIVE):
            return True
        if low.endswith("ies") and low[:-3] + "y" in _VERBS:
            return True
        subject = previous.low in lex.SUBJECT_PRONOUNS or (
            previous.low.endswith("s") and not previous.low.endswith("ss")
        )
        return subject and (low in _VERBS or low in _STATIVE)

    @staticmethod
    def _is_gerund(low: str) -> bool:
        if not low.endswith("ing") or len(low) < 5:
            return False
        stem = low[:-3]
        return bool({stem, stem + "e", stem[:-1]} & (_VERBS | _STATIVE))

    def _is_complement(self, found: _Break, start: int) -> bool:
        """Whether the clause is what a verb of saying asks for: "tell me when the bank opens"."""
        if found.kind is not Kind.IF:
            return False
        before = self.words[max(start, found.gap - 2) : found.gap]
        if not before:
            return True
        if before[-1].low in lex.REPORTING:
            return True
        return (
            len(before) == 2
            and before[0].low in lex.REPORTING
            and before[1].low in ("me", "us", "them", "out", "whether")
        )

    def _unmarked(self, start: int, opening: _Break) -> _Break | None:
        """Find the main clause after a leading subordinate one without a comma: "if it rains close the window"."""
        if opening.gap > 0 and opening.link is Link.NONE and not opening.pause:
            return None
        finite = False
        for at in range(start, len(self.words)):
            word, previous = self.words[at], self.words[at - 1]
            following = self.words[at + 1].low if at + 1 < len(self.words) else ""
            verb = word.low in lex.AMBIGUOUS and following in lex.OBJECT_START
            if (
                finite
                and (verb or word.low in lex.VERBS | lex.QUESTIONS)
                and previous.low not in lex.SUBJECTS | lex.AUXILIARIES | {"to", "and", "or", "not", "of", "for", "in"}
                and at + 1 < len(self.words)
            ):
                return _Break(gap=at, at=at, link=Link.NONE, pause=False)
            finite = finite or self._finite(at, start)
        return None

    def _resumes_fragment(self, found: _Break, opening: _Break) -> bool:
        """Whether a pause ends an inserted clause: "Send, if he agrees, the letter"."""
        if opening.kind is Kind.MAIN or not opening.pause or not found.pause or found.at >= len(self.words):
            return False
        left = self.clauses[-1] if self.clauses else None
        if left is None or left.kind is not Kind.MAIN or found.link is not Link.NONE:
            return False
        covered = [word for word in self.words if left.start <= word.start < left.end]
        return self._content(covered) <= 1

    # Clauses.

    def _content(self, words: Sequence[Word]) -> int:
        return sum(not word.is_mark and word.low not in lex.PARTICLES and word.low != "please" for word in words)

    def _close(self, start: int, end: int, opening: _Break) -> None:
        while end > start and self.words[end - 1].is_mark and self.words[end - 1].text not in "\"”»)'":
            end -= 1
        if end <= start:
            return
        inside = self.words[start:end]
        piece = (inside[0].start, inside[-1].end)
        if opening.resumes:
            self.clauses[-1].inserted = True
            self.clauses[-2].pieces.append(piece)
            return
        trailing = (
            opening.kind is not Kind.MAIN and bool(self.clauses) and not opening.pause and opening.link is Link.NONE
        )
        connector = self.words[opening.gap : start]
        marks = [word for word in connector if not word.is_mark]
        clause = Clause(
            pieces=[piece],
            kind=opening.kind,
            role=self._role(opening.kind, inside),
            link=opening.link,
            evidence=(marks[0].start, marks[-1].end) if marks else None,
            negated=any(word.low in lex.NEGATED for word in connector),
            trailing=trailing,
            sentence=self.sentence,
            confidence=_confidence(opening, bool(marks)),
        )
        if opening.kind is Kind.MAIN:
            self._find_data(clause, inside)
        self.clauses.append(clause)

    @staticmethod
    def _role(kind: Kind, inside: Sequence[Word]) -> Role:
        if kind is Kind.MAIN:
            return Role.TASK
        own = kind in (Kind.AFTER, Kind.BEFORE) and (inside[0].low == "you" or inside[0].low.endswith("ing"))
        return Role.TASK if own else Role.CONDITION

    def _find_data(self, clause: Clause, inside: Sequence[Word]) -> None:
        last = self.clauses[-1] if self.clauses else None
        if last is not None and last.kind is Kind.MAIN and clause.link is not Link.OTHERWISE:
            covered = [word for word in self.words if last.start <= word.start < last.end]
            if len(last.pieces) == 1 and self._is_bare(covered) and self._content(inside) > 1:
                clause.data = (clause.start, clause.start)
                last.shared = "next"
                return
        if last is not None and last.role is Role.CONDITION and not self._has_pronoun(last):
            return
        clause.data = reference(inside)

    def _is_bare(self, covered: Sequence[Word]) -> bool:
        if sum(not word.is_mark for word in covered) != 1:
            return False
        low = next(word.low for word in covered if not word.is_mark)
        return low in _VERBS and low not in lex.INTRANSITIVE

    def _has_pronoun(self, clause: Clause) -> bool:
        return any(word.low in lex.REFERENCES for word in self.words if clause.start <= word.start < clause.end)


def reference(inside: Sequence[Word]) -> tuple[int, int] | None:
    """Return the place of the word that stands for the result of an earlier task, or None."""
    question = inside[0].low in lex.QUESTIONS | lex.AUXILIARIES
    for place, word in enumerate(inside):
        previous = inside[place - 1].low if place else ""
        following = inside[place + 1] if place + 1 < len(inside) else None
        if word.quoted:
            continue
        if word.low == "her" and previous not in ("give", "send", "tell", "show", "ask", "call"):
            continue
        if word.low in lex.REFERENCES:
            if word.low == "it" and question and previous in ("is", "was", "will", "does"):
                continue
            return (word.start, word.end)
        if (
            word.low in ("this", "that")
            and place
            and (following is None or following.is_mark or following.low in lex.OBJECT_START | {"as", "by", "twice"})
        ):
            return (word.start, word.end)
        if word.low in lex.RESULTS and previous in ("the", "its", "their", "these", "those"):
            return (word.start, word.end)
    return None


def _confidence(opening: _Break, marked: bool) -> float:
    """Return how sure a cut is: an explicit connector says more than a comma, a comma more than nothing."""
    if opening.gap == 0 or opening.link in (Link.THEN, Link.OTHERWISE):
        return 0.97
    if opening.kind is not Kind.MAIN:
        return 0.95 if opening.pause else 0.9
    return 0.93 if marked else 0.85 if opening.pause else 0.7
