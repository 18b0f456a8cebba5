"""Who is calling: the network address that can be believed, and what the client says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.http import HttpRequest

from altlas.kernel.env import SettingError
from authgateway.conf import conf

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Control characters would forge log lines and terminal output; what is kept is shown as it came.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """The peer of a request. ``address`` is None when the server did not say (a Unix socket)."""

    address: str | None = None
    user_agent: str = ""
    spoofs: bool = False  # names another address than its own without being a proxy of ours

    @property
    def network(self) -> str:
        """The /24 or /64 of the address: what one household or attacker can hop within."""
        if self.address is None:
            return ""
        prefix = 24 if isinstance(ip_address(self.address), IPv4Address) else 64
        return str(ip_network(f"{self.address}/{prefix}", strict=False))


_NAMING = ("HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED")


def caller_of(request: HttpRequest) -> Caller:
    trusted = trusted_proxies(conf.trusted_proxies)
    return Caller(
        address=client_address(request.META, trusted=trusted),
        user_agent=printable(request.META.get("HTTP_USER_AGENT", ""))[:256],
        spoofs=any(name in request.META for name in _NAMING) and not is_from_proxy(request),
    )


def is_from_proxy(request: HttpRequest) -> bool:
    """Whether a trusted proxy has sent this: only then its forwarding headers are looked at."""
    peer = _address(request.META.get("REMOTE_ADDR", ""))
    return peer is not None and _is_trusted(peer, trusted_proxies(conf.trusted_proxies))


def printable(text: str) -> str:
    """Return ``text`` with everything that could forge a log line made visible."""
    return _UNPRINTABLE.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


@lru_cache(maxsize=8)
def trusted_proxies(networks: tuple[str, ...]) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(text) for text in networks)
    except ValueError as exc:
        raise SettingError(f"ALTLAS_TRUSTED_PROXIES is not a list of networks ({exc}); correct it.") from None


def client_address(meta: Mapping[str, str], *, trusted: Iterable[Network]) -> str | None:
    """Return the right-most hop that is not a trusted proxy.

    Every hop to its left was written by somebody we do not trust, so it is never looked at.
    """
    trusted = tuple(trusted)
    hop = _address(meta.get("REMOTE_ADDR", ""))
    if hop is None:
        return None
    forwarded = meta.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while _is_trusted(hop, trusted) and forwarded:
        named = _address(forwarded.pop())
        if named is None:
            break
        hop = named
    return str(hop)


def _is_trusted(address: Address, trusted: tuple[Network, ...]) -> bool:
    return any(address in network for network in trusted)


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    # An IPv4 client of a dual-stack socket is the same client.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
