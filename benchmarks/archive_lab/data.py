"""Seeded rows: skewed owners, thousands of ties in one timestamp, a fifth of NULLs, texts in both languages.

The database makes the rows itself out of texts and vectors that are made once, each member of a row by a hash of the
row's number; so row n is the same in every table, however many there are. Rows are written in chunks, each committed
with its number: an interrupted load goes on where it stopped. The indexes are dropped first and built after.

A row's search vector depends on its title and text alone, and a title is the beginning of its text. So while rows are
loaded the function behind the generated column looks the vector up instead of computing ten million times the same;
afterwards the product's function is put back and a sample of rows is computed by it and compared.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.archive_lab.home import ROOT

CHUNK = 25_000
OWNERS = 1_000
TIES = 3_000  # rows that share one timestamp
KINDS = ("chunk", "command", "sentence", "topic", "note", "summary", "report", "letter", "form", "log")
TEXTS = 40_000
TOPICS, NOISES = 100, 20_000  # an embedding is one of these directions and one of these deviations
_LOADERS = 2
_EMBEDDED = 20  # every so many rows has an embedding

_TABLES = """
CREATE TABLE IF NOT EXISTS bench_chunk (number int PRIMARY KEY, seconds float);
CREATE TABLE IF NOT EXISTS bench_index (name text PRIMARY KEY, definition text);
CREATE TABLE IF NOT EXISTS bench_function (name text PRIMARY KEY, definition text);
CREATE TABLE IF NOT EXISTS bench_text (
    number int PRIMARY KEY, language text, title text, text text,
    key bigint UNIQUE GENERATED ALWAYS AS (hashtextextended(text, 0)) STORED,
    vector tsvector
);
CREATE TABLE IF NOT EXISTS bench_vector (kind text, number int, value halfvec(384), PRIMARY KEY (kind, number));
CREATE OR REPLACE FUNCTION bench_dice(number bigint, salt bigint) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ((hashint8extended(number, salt) >> 11) & 9007199254740991)::float8 / 9007199254740992;
"""
_LOOKED_UP = """
CREATE OR REPLACE FUNCTION archive_vector(title text, body text, language text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE found tsvector;
BEGIN
    SELECT vector INTO STRICT found FROM bench_text WHERE key = hashtextextended(body, 0);
    RETURN found;
END $$
"""
# Cubic skew: the largest owner has a tenth of all rows. The time of a key is its row's, then comes the place in it.
_ROWS = f"""
INSERT INTO archive_record (id, owner_id, kind, status, title, text, payload, tags, language, success_rate, embedding,
                            on_hold, version, created_at, updated_at, deleted_at)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n %% {TIES}), 3, '0')
           || '8' || right(lpad(to_hex(hashint8extended(n, 1)), 16, '0'), 15))::uuid,
       ('00000000-0001-7000-8000-' || lpad(to_hex((floor({OWNERS} * bench_dice(n, 2) ^ 3))::int), 12, '0'))::uuid,
       (%(kinds)s::text[])[1 + floor({len(KINDS)} * bench_dice(n, 3))::int],
       CASE WHEN status < 0.7 THEN 'active' WHEN status < 0.8 THEN 'archived' WHEN status < 0.9 THEN 'draft'
            WHEN status < 0.95 THEN 'failed' ELSE 'superseded' END,
       words.title, words.text,
       jsonb_build_object('number', n, 'source', (%(kinds)s::text[])[1 + n %% 10], 'size', length(words.text)),
       ARRAY['tag' || tag, 'tag' || (tag + 7) %% 30, 'tag' || (tag + 1 + floor(6 * bench_dice(n, 5))::int) %% 30],
       words.language,
       CASE WHEN bench_dice(n, 6) >= 0.2 THEN floor(101 * bench_dice(n, 7)) / 100 END,
       direction.value + deviation.value,
       false, 1, at, at + make_interval(secs => floor(1000000 * bench_dice(n, 8))),
       CASE WHEN bench_dice(n, 9) < 0.05 THEN at END
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
CROSS JOIN LATERAL (
    SELECT timestamptz '2024-01-01 00:00+00' + make_interval(mins => (n / {TIES})::int) AS at,
           bench_dice(n, 4) AS status, floor(30 * bench_dice(n, 10))::int AS tag
) AS dice
JOIN bench_text AS words ON words.number = floor({TEXTS} * bench_dice(n, 11))::int
LEFT JOIN bench_vector AS direction ON n %% {_EMBEDDED} = 0
     AND (direction.kind, direction.number) = ('topic', floor({TOPICS} * bench_dice(n, 12))::int)
LEFT JOIN bench_vector AS deviation ON n %% {_EMBEDDED} = 0
     AND (deviation.kind, deviation.number) = ('noise', floor({NOISES} * bench_dice(n, 13))::int)
"""


def owner(number: int) -> UUID:
    return UUID(int=(7 << 76) | (2 << 62) | (1 << 80) | number)


def load(total: int, connection: Any) -> None:
    """Bring the table to ``total`` rows (a multiple of CHUNK), from where an earlier call stopped."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        cursor.execute("SELECT number FROM bench_chunk")
        done = {row[0] for row in cursor.fetchall()}
    todo = [number for number in range(total // CHUNK) if number not in done]
    if todo:
        _owners()
        _texts(connection)
        _vectors(connection)
        _drop_indexes(connection)
        _load_chunks(todo, connection)
    _build_indexes(connection)
    _check(connection)


def _load_chunks(todo: list[int], connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bench_function SELECT 'archive_vector', pg_get_functiondef('archive_vector'::regproc) "
            "ON CONFLICT DO NOTHING"
        )
        cursor.execute(_LOOKED_UP)
    options = dict(connection.get_connection_params())
    options.pop("cursor_factory", None)
    begun, lock, count = time.perf_counter(), Lock(), 0

    def chunks(mine: list[int]) -> None:
        nonlocal count
        with psycopg.connect(**options) as own:
            for number in mine:
                at = time.perf_counter()
                first = number * CHUNK
                own.execute(_ROWS, {"kinds": list(KINDS), "first": first, "last": first + CHUNK - 1})
                own.execute("INSERT INTO bench_chunk VALUES (%s, %s)", [number, time.perf_counter() - at])
                own.commit()
                with lock:
                    count += 1
                    if count % 10 == 0 or count == len(todo):
                        rate = count * CHUNK / (time.perf_counter() - begun)
                        print(f"chunk {count} of {len(todo)}: {rate:,.0f} rows/s", flush=True)

    with ThreadPoolExecutor(_LOADERS) as threads:
        for loader in [threads.submit(chunks, todo[at::_LOADERS]) for at in range(_LOADERS)]:
            loader.result()
    with connection.cursor() as cursor:
        cursor.execute("SELECT definition FROM bench_function WHERE name = 'archive_vector'")
        cursor.execute(cursor.fetchone()[0])


def _check(connection: Any) -> None:
    """Compare the vectors of a sample of rows with what the product's function makes of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE search = archive_vector(title, text, language)) "
            "FROM (SELECT * FROM archive_record ORDER BY id DESC LIMIT 1000) AS sample"
        )
        rows, same = cursor.fetchone()
    assert rows == same, f"of {rows} rows only {same} have the search vector that the product makes"


def _owners() -> None:
    from authgateway.models import User

    User.objects.bulk_create(
        [User(id=owner(number), username=f"owner{number}", password="!") for number in range(OWNERS)],
        ignore_conflicts=True,
    )


def _texts(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM bench_text")
        if cursor.fetchone()[0] == TEXTS:
            return
    with connection.connection.transaction(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE bench_text")
        with cursor.cursor.copy("COPY bench_text (number, language, title, text) FROM STDIN") as copy:
            for row in _made():
                copy.write_row(row)
        cursor.execute("UPDATE bench_text SET vector = archive_vector(title, text, language)")


def _made() -> Iterator[tuple[int, str, str, str]]:
    """Sentences made once of the words of the sample documents; a text is some of them."""
    for place, language in enumerate(("tr", "en")):
        dice = random.Random(f"texts {language}")
        sample = (ROOT / "docs" / "samples" / f"{language}-sample.txt").read_text(encoding="utf-8")
        vocabulary = sorted(set(re.findall(r"\w+", sample)))
        sentences = [" ".join(dice.choices(vocabulary, k=dice.randrange(6, 22))) + "." for _ in range(3_000)]
        for number in range(place, TEXTS, 2):
            wanted = 300 + 1_700 * dice.random() ** 3  # most are short
            text = ""
            while len(text) < wanted:
                text += dice.choice(sentences) + " "
            text = text[:2_000].rstrip()
            yield number, language, text[: dice.randrange(20, 80)].rstrip(), text


def _vectors(connection: Any) -> None:
    """Directions with noise: like texts, not like white noise."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM bench_vector")
        if cursor.fetchone()[0] == TOPICS + NOISES:
            return
    dice = random.Random("vectors")
    with connection.connection.transaction(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE bench_vector")
        with cursor.cursor.copy("COPY bench_vector FROM STDIN") as copy:
            for kind, count, width in (("topic", TOPICS, 1.0), ("noise", NOISES, 0.5)):
                for number in range(count):
                    value = ",".join(f"{dice.gauss(0, width):.3f}" for _ in range(384))
                    copy.write_row((kind, number, f"[{value}]"))
        cursor.execute("ANALYZE bench_vector")


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
        cursor.execute("SET maintenance_work_mem = '3GB'")
        cursor.execute("SELECT name, definition FROM bench_index WHERE to_regclass(name) IS NULL ORDER BY name")
        for name, definition in cursor.fetchall():
            begun = time.perf_counter()
            cursor.execute(definition)
            print(f"index {name}: {time.perf_counter() - begun:.1f} s", flush=True)
        cursor.execute("RESET maintenance_work_mem")
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
