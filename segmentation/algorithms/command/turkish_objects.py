"""Objects and subjects of a Turkish clause, told by the endings of its nouns."""

from __future__ import annotations

import re
from collections.abc import Sequence

from segmentation.algorithms.command import turkish_words as lex
from segmentation.algorithms.command.words import Word

_ACCUSATIVE = re.compile(r"(?:[yn'][ıiuü]|[^aeıioöuü'][ıiuü]|['](?:y|n)?[ıiuü]|l[ae]r[ıi])$")
_NOT_ACCUSATIVE = frozenset(
    [
        "yeni",
        "eski",
        "yedi",
        "iki",
        "altı",
        "şimdi",
        "gibi",
        "kendi",
        "hangi",
        "biri",
        "dahi",
        "yani",
        "belki",
        "hani",
        "bütün",
        "geri",
        "dedi",
        "haydi",
        "hadi",
        "ki",
        "kedi",
        "deri",
        "gemi",
        "çivi",
        "mavi",
        "sarı",
        "ayrı",
        "aynı",
        "doğru",
        "kuru",
        "dolu",
        "koyu",
        "iyi",
        "kötü",
        "tüm",
        "tatlı",
        "acı",
        "kapı",
        "dizi",
        "gezi",
        "yazı",
        "seri",
        "ileri",
        "peri",
        "sergi",
        "bilgi",
        "harcı",
        "yarı",
        "dışarı",
        "yukarı",
        "içeri",
    ]
)
_DATIVE = re.compile(r"(?:y[ae]|n[ae]|'[yn]?[ae]|[^aeıioöuü][ae])$")
_OBLIQUE = re.compile(r"(?:[dt][ae]n?|[dt][ae]ki|l[ae]|[ıiuü]nc[ae]|c[ae]|[ıiuü]n|ki)$")
_OTHERS = frozenset(
    [
        "gerisini",
        "kalanını",
        "yenisini",
        "ötekini",
        "diğerini",
        "birincisini",
        "ikincisini",
        "sonuncusunu",
        "hepsini",
        "birini",
        "kendisini",
    ]
)
_POSSESSED = re.compile(r"(?:s[ıiuü]n[ıiuü]|.{3,}[^aeıioöuü]?[ıiuü]n[ıiuü])$")


def is_accusative(word: Word) -> bool:
    low = word.low
    return len(low) > 2 and not word.is_mark and low not in _NOT_ACCUSATIVE and bool(_ACCUSATIVE.search(low))


def is_bare(word: Word) -> bool:
    """Whether ``word`` is a noun without a case ending, so that it can be a subject or an indefinite object."""
    low = word.low
    if word.is_mark or low in lex.ADVERBS or is_accusative(word):
        return False
    if low in lex.NOUNS:
        return True
    return not _DATIVE.search(low) and not _OBLIQUE.search(low)


def front_object(words: Sequence[Word]) -> int:
    """Return how many words the phrase at the front has that ends with an object; 0 when there is none."""
    for place in range(len(words) - 1, -1, -1):
        if is_accusative(words[place]):
            return place + 1
    return 0


def has_own_subject(before: Sequence[Word], stem: str) -> bool:
    """Whether the clause of a verb ``stem`` after the words ``before`` speaks of somebody else than the one who is
    commanded: then it is an event, not a task."""
    nouns = [word for word in before if not word.is_mark]
    if not nouns:
        return False
    if nouns[0].low in lex.PRONOUN_SUBJECTS:
        return True
    if any(is_accusative(word) for word in nouns):
        return False
    last = nouns[-1]
    if stem in lex.AUXILIARY:
        return False
    bare = [word for word in nouns if is_bare(word)]
    if stem in lex.INTRANSITIVE or stem not in lex.STEMS:
        return bool(bare)
    # "Editör onayladıktan sonra" names who does it, "yedek aldıktan sonra" what is done.
    return (
        bool(bare)
        and stem not in ("al", "yap", "yaz", "ver", "çek", "oluştur", "ekle", "iç", "ye", "bas")
        and (is_bare(last))
    )


def object_is_missing(before: Sequence[Word], stem: str) -> bool:
    """Whether a verb that takes an object has none, so that it takes the one of the task before."""
    nouns = [word for word in before if not word.is_mark and word.low not in ("de", "da")]
    if stem in lex.AUXILIARY:
        if not nouns or nouns[-1].low not in lex.COMPOUND:
            return False
        nouns = nouns[:-1]
    elif stem in lex.INTRANSITIVE or not (
        stem in lex.TRANSITIVE or stem == "koy" or re.match(r".{2,}l(?:[ae]|[ae]t|[ae]şt[ıi]r|[ae]nd[ıi]r)$", stem)
    ):
        return False
    if any(is_accusative(word) for word in nouns):
        return False
    return not nouns or not is_bare(nouns[-1])


def reference(words: Sequence[Word]) -> tuple[int, int] | None:
    """Return the place of the word that stands for the result of an earlier task, or None."""
    for place, word in enumerate(words):
        if word.quoted or word.is_mark:
            continue
        if word.low in lex.REFERENCES:
            return (word.start, word.end)
        first = place == 0 or all(w.low in lex.ADVERBS for w in words[:place])
        if (
            first
            and word.low not in _OTHERS
            and _POSSESSED.search(word.low)
            and "'" not in word.low
            and len(words) - place <= 3
        ):
            return (word.start, word.end)
    return None
