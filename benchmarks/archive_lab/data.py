"""Seeded rows: skewed owners, thousands of ties in one timestamp, a fifth of NULLs, texts in both languages.

Rows are written in chunks, each seeded by its number and committed with it, so an interrupted load goes on where it
stopped. The indexes are dropped first and built after.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from benchmarks.archive_lab.home import ROOT

CHUNK = 25_000
OWNERS = 1_000
TIES = 3_000  # rows that share one timestamp
KINDS = ("chunk", "command", "sentence", "topic", "note", "summary", "report", "letter", "form", "log")
STATUSES = ("active", "archived", "draft", "failed", "superseded")
START = datetime(2024, 1, 1, tzinfo=UTC)
_COLUMNS = (
    "id, owner_id, kind, status, title, text, payload, tags, language, success_rate, embedding, on_hold, version, "
    "created_at, updated_at, deleted_at"
)
_EMBEDDED = 20  # every so many rows has an embedding


def owner(number: int) -> UUID:
    return UUID(int=(7 << 76) | (2 << 62) | (1 << 80) | number)


def pick_owner(dice: random.Random) -> int:
    # Cubic skew: the largest owner has about a tenth of all rows.
    return int(OWNERS * dice.random() ** 3)


def words(language: str) -> list[str]:
    sample = (ROOT / "docs" / "samples" / f"{language}-sample.txt").read_text(encoding="utf-8")
    return sorted(set(re.findall(r"\w+", sample)))


class Texts:
    """Sentences made once of the words of the sample documents; a text is some of them."""

    def __init__(self, language: str) -> None:
        dice, vocabulary = random.Random(f"sentences {language}"), words(language)
        self.sentences = [" ".join(dice.choices(vocabulary, k=dice.randrange(6, 22))) + "." for _ in range(3_000)]

    def text(self, dice: random.Random) -> str:
        wanted = dice.randrange(300, 2_000)
        parts: list[str] = []
        size = 0
        while size < wanted:
            parts.append(dice.choice(self.sentences))
            size += len(parts[-1]) + 1
        return " ".join(parts)[:2_000]


def vector(dice: random.Random) -> str:
    # One of a hundred directions with noise: like texts, not like white noise.
    topic = random.Random(dice.randrange(100))
    return "[" + ",".join(f"{topic.gauss(0, 1) + dice.gauss(0, 0.5):.3f}" for _ in range(384)) + "]"


def rows(chunk: int) -> Iterator[tuple[Any, ...]]:
    dice = random.Random(chunk)
    texts = {language: TEXTS[language] for language in ("tr", "en")}
    for number in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        at = START + timedelta(seconds=number // TIES * 60)
        language = "tr" if dice.random() < 0.5 else "en"
        text = texts[language].text(dice)
        moment = int(at.timestamp() * 1000)
        key = UUID(int=moment << 80 | 7 << 76 | (number % TIES) << 64 | 2 << 62 | dice.getrandbits(62))
        yield (
            key,
            owner(pick_owner(dice)),
            dice.choice(KINDS),
            dice.choices(STATUSES, (70, 10, 10, 5, 5))[0],
            text[: dice.randrange(20, 80)],
            text,
            json.dumps({"number": number, "source": dice.choice(KINDS), "size": len(text)}),
            dice.sample([f"tag{index}" for index in range(30)], k=3),
            language,
            None if dice.random() < 0.2 else dice.randrange(101) / 100,
            vector(dice) if number % _EMBEDDED == 0 else None,
            False,
            1,
            at,
            at + timedelta(seconds=dice.randrange(10**6)),
            at if dice.random() < 0.05 else None,
        )


TEXTS: dict[str, Texts] = {}


def load(total: int, connection: Any) -> None:
    """Bring the table to ``total`` rows (a multiple of CHUNK), from where an earlier call stopped."""
    TEXTS.update({language: Texts(language) for language in ("tr", "en")})
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bench_chunk (number int PRIMARY KEY, seconds float)")
        cursor.execute("CREATE TABLE IF NOT EXISTS bench_index (name text PRIMARY KEY, definition text)")
        cursor.execute("SELECT number FROM bench_chunk")
        done = {row[0] for row in cursor.fetchall()}
    todo = [number for number in range(total // CHUNK) if number not in done]
    if todo:
        _owners(connection)
        _drop_indexes(connection)
    for number in todo:
        begun = time.perf_counter()
        with connection.connection.transaction(), connection.cursor() as cursor:
            with cursor.cursor.copy(f"COPY archive_record ({_COLUMNS}) FROM STDIN") as copy:
                for row in rows(number):
                    copy.write_row(row)
            cursor.execute("INSERT INTO bench_chunk VALUES (%s, %s)", [number, time.perf_counter() - begun])
        print(f"chunk {number + 1} of {total // CHUNK}: {time.perf_counter() - begun:.1f} s", flush=True)
    _build_indexes(connection)


def _owners(connection: Any) -> None:
    from authgateway.models import User

    User.objects.bulk_create(
        [User(id=owner(number), username=f"owner{number}", password="!") for number in range(OWNERS)],
        ignore_conflicts=True,
    )


def _drop_indexes(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bench_index SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'archive_record' "
            "AND indexname <> 'archive_record_pkey' ON CONFLICT DO NOTHING"
        )
        cursor.execute("SELECT name FROM bench_index")
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP INDEX IF EXISTS {name}")


def _build_indexes(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, definition FROM bench_index WHERE to_regclass(name) IS NULL ORDER BY name")
        for name, definition in cursor.fetchall():
            begun = time.perf_counter()
            cursor.execute(definition)
            print(f"index {name}: {time.perf_counter() - begun:.1f} s", flush=True)
        cursor.execute("VACUUM ANALYZE archive_record")


def naive_table(connection: Any) -> None:
    """The same rows in a table without indexes but the key."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('bench_naive')")
        if cursor.fetchone()[0] is None:
            cursor.execute(
                "CREATE TABLE bench_naive AS SELECT id, owner_id, kind, status, title, text, payload, tags, language, "
                "success_rate, source_run_id, on_hold, version, created_at, updated_at, deleted_at FROM archive_record"
            )
            cursor.execute("ALTER TABLE bench_naive ADD PRIMARY KEY (id)")
            cursor.execute("VACUUM ANALYZE bench_naive")
