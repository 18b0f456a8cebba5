"""Forms of Turkish verbs, told by their endings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from segmentation.algorithms.command import turkish_words as lex


class Form(StrEnum):
    IMPERATIVE = "imperative"  # also optative, necessity: a command by itself
    FINITE = "finite"  # a tense: a command with a question particle, or a question
    WISH = "wish"  # "etmeni (istiyorum)"
    IP = "ip"
    DIKTEN = "dikten"
    MEDEN = "meden"
    KEN = "ken"
    INCE = "ince"
    DIGINDE = "diginde"
    DIGI = "digi"
    DIKCE = "dikce"
    SE = "se"
    NOMINAL = "nominal"  # participles and verbal nouns
    NONE = ""


@dataclass(frozen=True, slots=True)
class Reading:
    form: Form
    stem: str = ""


_SOFT = {"ed": "et", "gid": "git", "tad": "tat", "güd": "güt"}
_PASSIVE = re.compile(r"(?:[ıiuü]?l|[ıiuü]?n|[ıiuü]ş|t|d[ıiuü]r|[ae]bil|m[ae]|[ae]m[ae])$")
_CAUSATIVE = re.compile(r"^(.{3,}?)(?:(?<=[aeıioöuürl])t|(?<=[^aeıioöuü])[dt][ıiuü]r)$")
_DERIVED = re.compile(r".{2,}l(?:a|e|an|en|aş|eş|at|et)$")
_IP = re.compile(r"^(.{2,}?)y?[ıiuü]p$")
_DIKTEN = re.compile(r"^(.{2,})[dt][ıiuü]kt[ae]n$")
_MEDEN = re.compile(r"^(.{2,})m[ae]d[ae]n$")
_KEN = re.compile(r"^(.{1,}?)(?:[aeıiuü]?r|[ıiuü]yor|m[ıiuü]ş|m[ae]z|[ae]cak|[ae]cek|d[ae]y|ıy|iy)ken$")
_INCE = re.compile(r"^(.{2,}?)y?[ıiuü]nc[ae]$")
_DIGINDE = re.compile(r"^(.{2,})[dt][ıiuü]ğ[ıiuü](?:nd|md|n[ıiuü]zd|m[ıiuü]zd)[ae]$")
_DIGI = re.compile(r"^(.{2,})[dt][ıiuü]ğ[ıiuü][mn]?$|^(.{2,})[dt][ıiuü]kl[ae]r[ıi]$")
_DIKCE = re.compile(r"^(.{2,})[dt][ıiuü]k[çc][ae]$")
_SE = re.compile(
    r"^(.{1,}?)(?:(?:[aeıiuü]?r|m[ae]z|[ıiuü]yor|m[ıiuü]ş|[ae]cak|[ae]cek|y|[dt][ıiuü]y)s[ae]|(?<=[^aeıioöuü])s[ae])"
    r"(?:m|n|k|n[ıiuü]z|l[ae]r)?$"
)
_SE_PERSONAL = re.compile(r"s[ae](?:m|n|k|n[ıi]z)$")
_SE_TENSE = re.compile(r"(?:r|m[ae]z|yor|m[ıiuü]ş|c[ae]k|[dt][ıiuü]y)s[ae](?:m|n|k|n[ıi]z)$")
_TENSED = re.compile(r"(?:[aeıiuü]r|m[ae]z|yor|m[ıiuü]ş|c[ae]k|y)s[ae](?:m|n|k|n[ıi]z|l[ae]r)?$|^(?:varsa|azsa|boşsa)$")
_PLURAL = re.compile(r"^(.{2,}?)y?[ıiuü]n(?:[ıiuü]z)?$")
_NEGATIVE = re.compile(r"^(.{2,}?)m[ae](?:y[ıiuü]n(?:[ıiuü]z)?)?$")
_OPTATIVE = re.compile(r"^(.{2,}?)y?[ae]l[ıi]m$")
_NECESSITY = re.compile(r"^(.{2,}?)m[ae]l[ıi](?:s[ıi]n(?:[ıi]z)?|y[ıi]z|y[ıi]m)?$")
_COAXING = re.compile(r"^(.{2,}?)(?:s[ae]n[ae]|y?[ıiuü]ver(?:[ıiuü]n(?:[ıiuü]z)?|sene)?)$")
_ABLE = re.compile(r"^(.{2,}?)y?[ae]bilir(?:s[ıi]n(?:[ıi]z)?|im|iz)?$")
_FINITE = (
    re.compile(r"^(.{1,}?)[ıiuü]yor(?:um|sun|uz|sunuz|lar|du)?$"),
    re.compile(r"^(.{2,}?)y?[ae]ca[kğ](?:[ıi]m|s[ıi]n|[ıi]z|lar)?$|^(.{2,}?)y?ece[kğ](?:im|sin|iz|ler)?$"),
    re.compile(r"^(.{2,}?)[dt][ıiuü](?:m|n|k|n[ıiuü]z|l[ae]r)?$"),
    re.compile(r"^(.{2,}?)m[ıiuü]ş(?:t[ıiuü]r?)?$"),
    re.compile(r"^(.{2,}?)[aeıiuü]?r(?:[ıiuü]m|s[ıiuü]n(?:[ıiuü]z)?|[ıiuü]z)?$"),
    re.compile(r"^(.{2,}?)m[ae]z$"),
)
_WISH = re.compile(r"^(.{2,}?)m[ae]n(?:[ıi]z)?[ıi]$")
_NOMINAL = re.compile(
    r"^(.{2,}?)(?:y?[ae]n(?:l[ae]r)?(?:[ıi]|[ae]|d[ae]n?|[ıi]n)?|[dt][ıiuü](?:k|ğ|kl[ae]r).*"
    r"|m[ae](?:y[ıiae]|m[ıi]|s[ıi]n[ıiae].*|m|l[ae]r[ıi].*|y)?|m[ae][ck].*)$"
)


def known(stem: str) -> bool:
    """Whether ``stem`` is a verb we know, derived from one, or made like one (``-la``, ``-len``, ``-leş``)."""
    if stem in lex.STEMS or stem in _SOFT:
        return True
    if _DERIVED.match(stem) and len(stem) > 3:
        return True
    if stem.endswith("d") and stem[:-1] + "t" in lex.STEMS:
        return True
    shorter = _PASSIVE.sub("", stem)
    return shorter != stem and len(shorter) >= 2 and (shorter in lex.STEMS or bool(_DERIVED.match(shorter)))


def plain(stem: str) -> str:
    """Return the stem as the imperative has it."""
    hardened = stem[:-1] + "t"
    return hardened if stem.endswith("d") and hardened in lex.STEMS else _SOFT.get(stem, stem)


@lru_cache(maxsize=20_000)
def read(low: str) -> Reading:
    """Return the form of the word ``low``; subordinate forms are tried first, they are the longer endings."""
    for form, pattern, excluded in (
        (Form.DIKTEN, _DIKTEN, frozenset()),
        (Form.MEDEN, _MEDEN, frozenset()),
        (Form.DIGINDE, _DIGINDE, frozenset()),
        (Form.DIKCE, _DIKCE, frozenset({"oldukça", "gittikçe"})),
        (Form.KEN, _KEN, frozenset({"erken"})),
        (Form.INCE, _INCE, lex.WHEN_NOT),
        (Form.IP, _IP, lex.CONVERB_NOT),
    ):
        match = pattern.match(low)
        if match and low not in excluded and (form in (Form.DIKTEN, Form.KEN) or known(match[1])):
            return Reading(form, match[1])
    if low == "iken" or low == "ise":
        return Reading(Form.KEN if low == "iken" else Form.SE)
    if _is_conditional(low):
        match = _SE.match(low)
        return Reading(Form.SE, match[1] if match else "")
    match = _DIGI.match(low)
    if match and known(match[1] or match[2]):
        return Reading(Form.DIGI, match[1] or match[2])
    return _main(low)


def is_tensed(low: str) -> bool:
    """Whether the conditional ``low`` stands on a tense or a copula, which no noun in -sa does."""
    return bool(_TENSED.search(low))


def _is_conditional(low: str) -> bool:
    match = _SE.match(low)
    if not match or low in lex.SUBORDINATE_NOT or len(low) < 4:
        return False
    if _SE_PERSONAL.search(low):
        return bool(_SE_TENSE.search(low)) or known(match[1])
    return True


def _main(low: str) -> Reading:
    if low in lex.NOT_VERBS:
        return Reading(Form.NONE)
    causative = _CAUSATIVE.match(low)
    if low in lex.STEMS or (causative and causative[1] in lex.STEMS):
        return Reading(Form.IMPERATIVE, low)
    for pattern in (_OPTATIVE, _NECESSITY, _COAXING, _NEGATIVE, _PLURAL):
        match = pattern.match(low)
        if match and _stem_of_imperative(match[1], low):
            return Reading(Form.IMPERATIVE, match[1])
    match = _ABLE.match(low)
    if match:
        return Reading(Form.FINITE, match[1])
    for pattern in _FINITE:
        match = pattern.match(low)
        if match and known(next(part for part in match.groups() if part is not None)):
            return Reading(Form.FINITE, next(part for part in match.groups() if part is not None))
    match = _WISH.match(low)
    if match and known(match[1]):
        return Reading(Form.WISH, match[1])
    match = _NOMINAL.match(low)
    if match and known(match[1]):
        return Reading(Form.NOMINAL, match[1])
    if len(low) > 4 and re.match(r".{3,}l[ae]$", low) and low not in lex.NOUNS:
        # An unknown verb in -la ("fermantele"); as often "with" ("kalemle"), so that only the end of a clause tells.
        return Reading(Form.NONE, low)
    return Reading(Form.NONE)


def _stem_of_imperative(stem: str, low: str) -> bool:
    if stem in lex.STEMS or stem in _SOFT:
        return stem not in ("et", "git")  # softened before a vowel
    return len(stem) > 4 and bool(re.match(r".{2,}l[ae]$", stem)) and low != stem
