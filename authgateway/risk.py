"""How unlike itself a session looks. Scores only: an address alone never locks anybody out.

Networks change on every train ride, browsers never change into another one in the middle of a session; together,
and within seconds, they are a copied token more likely than a traveller.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

_VERSIONS = re.compile(r"[\d._]+")
_SOON_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """Where and with what a session was used. ``at`` in Unix seconds."""

    address: str | None
    user_agent: str
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Risk:
    score: int
    signals: tuple[str, ...] = ()


def assess(before: Sighting, after: Sighting, *, bound: bool) -> Risk:
    """Score the step from ``before`` to ``after``.

    ``bound``: the request has proven its device or key; then no change of surroundings says much.
    """
    signals: list[str] = []
    score = 0
    if _family(before.user_agent) != _family(after.user_agent):
        signals.append("user_agent")
        score += 40
    if _region(before.address) != _region(after.address):
        signals.append("network")
        score += 20
        if after.at - before.at < _SOON_SECONDS:
            signals.append("impossible_change")
            score += 10
    if len(signals) == 3:
        score += 20
    return Risk(score=min(score, 30) if bound else score, signals=tuple(signals))


def _family(user_agent: str) -> str:
    """The browser and system without their versions: updates are not a change of device."""
    return _VERSIONS.sub("", user_agent)


def _region(address: str | None) -> str:
    """The /16 or /48: about one provider's customers in one place. Without a database of places, no finer answer."""
    if address is None:
        return ""
    prefix = 16 if ip_address(address).version == 4 else 48
    return str(ip_network(f"{address}/{prefix}", strict=False))
