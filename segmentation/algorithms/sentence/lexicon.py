"""Abbreviations and words that say whether a full stop ends a sentence; written for this project.

The classifier sees membership as a feature, so that a word it has met a few times only behaves like its kin.
"""

from __future__ import annotations

import re
from functools import cache

from segmentation.algorithms.wordlist import words

# A title stands before a name: no boundary after it, whatever follows.
TITLES = {
    "tr": (
        "gn inş mak elk dipl y dr prof doç yrd öğr gör av sn op uzm dt ecz müh yük mim arş bn hz st sayın "
        "org gen korg tümg tuğg alb yb bnb "
        "t.c alb yb bnb yzb ütğm tğm asb kd başk vet hst ord fr mr mrs ms"
    ),
    "en": (
        "mr mrs ms mx dr prof rev fr hon st sen rep gov gen lt col maj capt cmdr sgt cpl adm pres supt messrs "
        "mme mlle amb atty insp det"
    ),
}
# It points at what follows or counts it: a boundary is rare.
LEADING = {
    "tr": (
        "bkz krş örn bk no nr nu sf s ss md mad tel fak tlf cad sok sk mah mh bul apt blv bulv kat d çev der "
        "ed haz yay vd çvr hzl akt age agm a.g.e a.g.m yy mat fig res tab cilt c ibid cf sy"
    ),
    "en": (
        "no nos vol vols fig figs pp p cf eq eqs sec ch chap art op ed eds e.g i.e eg ie viz vs v al approx "
        "ca c est tel ext mt ft rd jan feb mar apr jun jul aug sep sept oct nov dec dept bros nr para incl "
        "resp"
    ),
}
# It closes a phrase and may close the sentence as well: what follows decides.
TRAILING = {
    "tr": (
        "vb vs vd a.ş ltd şti inc co corp san tic a.b.d abd m.ö m.s i.ö i.s km cm mm kg gr mg lt sa dk sn "
        "mrb tşk t.l yy y.y p.k"
    ),
    "en": (
        "etc inc ltd co corp plc llc jr sr ph.d phd m.d md b.a m.a ba ma esq u.s u.k u.n u.s.a e.u d.c a.m "
        "p.m am pm ave blvd st b.c a.d n.y l.a"
    ),
}
# Nouns that a number with a full stop belongs to: "Madde 5. Kanun", "Article 5. The".
NUMBERED = {
    "tr": (
        "madde şekil tablo bölüm fıkra bent sayfa cilt ek kısım sıra soru örnek resim grafik adım ders hafta "
        "paragraf kural durak kapı daire no bölge ünite test"
    ),
    "en": (
        "article section figure table chapter rule step part clause question exercise example item note act lesson unit"
    ),
}
_ROMAN = re.compile(r"(?=[ivxlcdm])m{0,3}(cm|cd|d?c{0,3})(xc|xl|l?x{0,3})(ix|iv|v?i{0,3})")


def _words(lines: dict[str, str], language: str) -> frozenset[str]:
    return words(lines[language])


@cache
def lexicon(language: str) -> Lexicon:
    return Lexicon(language)


class Lexicon:
    """The lists of one language and the class of a word that a full stop follows."""

    def __init__(self, language: str) -> None:
        self.titles = _words(TITLES, language)
        self.leading = _words(LEADING, language)
        self.trailing = _words(TRAILING, language)
        self.numbered = _words(NUMBERED, language)

    def kind(self, core: str) -> str:
        """Return the class of ``core``: a lower-cased word without the marks around it."""
        if core in self.titles:
            return "title"
        if core in self.leading:
            return "leading"
        if core in self.trailing:
            return "trailing"
        if len(core) == 1 and core.isalpha():
            return "initial"
        if core.isdigit():
            return "number" if len(core) < 4 else "year"
        if len(core) <= 6 and _ROMAN.fullmatch(core.replace("ı", "i")):
            return "roman"
        if "." in core and all(len(part) <= 2 for part in core.split(".")):
            return "dotted"
        return "word"
