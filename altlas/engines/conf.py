"""Settings of the data folder and the engines; read before Django's."""

from __future__ import annotations

from pathlib import Path

from altlas.engines.layout import Home
from altlas.kernel import env

PROJECT_ROOT = Path(__file__).resolve().parents[2]

HOME = Home(
    env.path(
        "ALTLAS_HOME",
        PROJECT_ROOT / ".altlas",
        shown=".altlas",
        help="Data folder: embedded engines, generated keys, logs. Two installations need two folders.",
    )
)

GIVEN_DATABASE_URL = env.secret(
    "DATABASE_URL",
    help="PostgreSQL 16 or newer with pgvector, as `postgresql://user:password@host:port/name`. "
    "Unset, the program runs its own in ALTLAS_HOME.",
)
GIVEN_REDIS_URL = env.secret(
    "REDIS_URL",
    help="Redis 6.2 or newer, as `redis://host:port/0`, `rediss://…` or `unix:///path?db=0`; the four logical "
    "databases from that number on are used. Unset, the program runs its own in ALTLAS_HOME.",
)
POSTGRES_SETTINGS = env.csv(
    "ALTLAS_POSTGRES_SETTINGS",
    help="Extra `name=value` settings of the embedded PostgreSQL server, such as `shared_buffers=1GB`.",
)

DATABASE_URL = GIVEN_DATABASE_URL or HOME.database_url
REDIS_URL = GIVEN_REDIS_URL or HOME.redis_url
EMBEDS_POSTGRES = not GIVEN_DATABASE_URL
EMBEDS_REDIS = not GIVEN_REDIS_URL
