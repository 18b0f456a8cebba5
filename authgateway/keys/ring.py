"""This process's copy of the signing keys.

A copy is trusted for ``conf.key_ring_seconds``, which bounds how long a killed key lives in any process. It is
reloaded by age alone: an unknown `kid` causes no query, so that forged tokens cannot make us work. New keys are
published as pending long before they sign, so every process knows them in time.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric import rsa

from altlas.kernel.clock import monotonic
from authgateway.conf import conf
from authgateway.exceptions import SigningUnavailable
from authgateway.keys import kek, rsa_key
from authgateway.models import SigningKey

State = SigningKey.State
_ATTEMPTS = 3
_PUBLISHED = (State.PENDING, State.ACTIVE, State.RETIRING)


@dataclass(frozen=True, kw_only=True, slots=True)
class Signer:
    kid: str
    key: rsa.RSAPrivateKey = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ring:
    """A snapshot: ``verifying`` keys by kid, those ``refused`` by kid with their state, and the signer if any."""

    loaded_at: float
    verifying: Mapping[str, rsa.RSAPublicKey]
    refused: Mapping[str, str]
    active_kid: str | None


_lock = threading.Lock()
_ring: Ring | None = None
_signer: Signer | None = None


def current() -> Ring:
    """Return the snapshot, reloaded when it is too old or empty."""
    global _ring
    ring = _ring
    if ring is not None and monotonic() - ring.loaded_at < conf.key_ring_seconds and ring.active_kid:
        return ring
    with _lock:
        if _ring is not ring and _ring is not None and _ring.active_kid:
            return _ring  # another thread has just loaded it
        _ring = _load(ring)
        return _ring


def reset() -> None:
    """Forget the snapshot: the next use reads the table."""
    global _ring
    _ring = None


def signer() -> Signer:
    """Return the active private key.

    Raises:
        SigningUnavailable: there is none, or it cannot be opened.
    """
    global _signer
    for _ in range(_ATTEMPTS):
        kid = current().active_kid
        held = _signer
        if held is not None and held.kid == kid:
            return held
        if kid is None:
            raise SigningUnavailable("No active signing key.")
        row = SigningKey.objects.filter(kid=kid, state=State.ACTIVE).first()
        if row is not None and row.private_sealed is not None:
            der = kek.open_sealed(bytes(row.private_sealed), kek_id=row.kek_id, context=row.kid)
            _signer = Signer(kid=kid, key=rsa_key.load_private(der))
            return _signer
        reset()  # it was replaced since the snapshot was taken; the next one has its successor
    raise SigningUnavailable("The signing key is being replaced; try again.", retry_after=1)


def _load(previous: Ring | None) -> Ring:
    known = previous.verifying if previous else {}
    verifying: dict[str, rsa.RSAPublicKey] = {}
    refused: dict[str, str] = {}
    active: str | None = None
    started = monotonic()
    for kid, state, pem, bits in SigningKey.objects.values_list("kid", "state", "public_pem", "bits"):
        if state not in _PUBLISHED or bits < rsa_key.LEAST_BITS:
            refused[kid] = state
            continue
        verifying[kid] = known.get(kid) or rsa_key.load_public(pem)
        if state == State.ACTIVE:
            active = kid
    return Ring(
        loaded_at=started,
        verifying=MappingProxyType(verifying),
        refused=MappingProxyType(refused),
        active_kid=active,
    )
