"""Which counters an attempt falls under."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass

from authgateway.caller import Caller
from authgateway.conf import conf


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """At most ``most`` attempts under ``key`` within ``seconds``."""

    name: str
    key: str
    most: int
    seconds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Whether to go on; if not, which limit is reached and for how long."""

    blocked_by: Limit | None = None
    retry_after: float = 0.0


def canonical(username: str) -> str:
    """Return the spelling under which a name is counted: lookalike spellings are one account's attempts."""
    return unicodedata.normalize("NFKC", username).casefold().strip()


def of_login(username: str, caller: Caller) -> tuple[Limit, Limit, Limit]:
    account = account_hash(username)
    network = _hash(caller.network)
    seconds = conf.login_window_seconds
    return (
        Limit(name="pair", key=f"login:pair:{account}:{network}", most=conf.login_pair_limit, seconds=seconds),
        Limit(name="account", key=f"login:account:{account}", most=conf.login_account_limit, seconds=seconds),
        Limit(name="network", key=f"login:network:{network}", most=conf.login_network_limit, seconds=seconds),
    )


def account_hash(username: str) -> str:
    return _hash(canonical(username))


def of_refresh(caller: Caller) -> tuple[Limit]:
    return (_of_network("refresh", caller),)


def of_client(caller: Caller) -> tuple[Limit]:
    return (_of_network("client", caller),)


def _of_network(door: str, caller: Caller) -> Limit:
    return Limit(
        name=door,
        key=f"{door}:network:{_hash(caller.network)}",
        most=conf.refresh_network_limit,
        seconds=conf.login_window_seconds,
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]
