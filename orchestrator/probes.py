"""The probe set: texts on which a compiled variant is compared with torch. Changing one is a new ``PROBES_ID``."""

from __future__ import annotations

import hashlib
from typing import Any, Final

TEXTS: Final = (
    "Yes.",
    "Hayır.",
    "The meeting moved to the ninth floor.",
    "Toplantı 9. kattaydı; sonra herkes dağıldı.",
    "Where did you put the keys to the archive room?",
    "İstanbul'da yağmur dün gece durmadan yağdı.",
    "Open the window, then close the door and turn the lights off.",
    "Işığı kapat, sonra ılık suyu aç.",
    "Prices rose by 3.7 % in March 2021, less than analysts had expected.",
    "Fiyatlar martta %3,7 arttı; beklenti daha yüksekti.",
    "def area(r): return 3.14159 * r ** 2",
    "https://example.org/a?b=c&d=e#f",
    "!!! ??? ... --- ***",
    "naïve café façade Ærøskøbing Łódź 東京 Москва 🙂",
    "a a a a a a a a a a a a a a a a a a a a a a a a",
    "The committee, which had not met since the spring, decided after a long debate that the bridge would be "
    "repaired first, the harbour wall second, and the old customs house only if any money was left.",
    "Derginin yeni sayısında üç uzun söyleşi, iki gezi yazısı ve daha önce hiç yayımlanmamış bir öykü var; "
    "kapağı ise genç bir ressam çizmiş.",
    " ".join(f"Sentence number {number} adds a little more to a long text." for number in range(40)),
    " ".join(f"{number}. cümle uzun metne biraz daha ekliyor." for number in range(40)),
)
PROBES_ID: Final = hashlib.sha256("\0".join(TEXTS).encode()).hexdigest()[:12]


def inputs_for(task: str, *, mask: str = "[MASK]") -> list[Any]:
    """Return the probes as inputs of ``task``."""
    if task == "cross-encoder":
        return [[text, TEXTS[(place + 1) % len(TEXTS)]] for place, text in enumerate(TEXTS)]
    if task == "fill-mask":
        return [f"{mask} {text}" for text in TEXTS]
    return list(TEXTS)
