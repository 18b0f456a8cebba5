"""Key-encryption keys: they seal the private signing keys and derive everything else that must not be stored."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from altlas.engines import conf as engines
from altlas.kernel.env import SettingError
from altlas.secrets_file import read_or_create
from authgateway.conf import conf
from authgateway.exceptions import SigningUnavailable

_NONCE = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Kek:
    """One key-encryption key; ``repr`` hides it."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"Kek({self.id})"

    def seal(self, data: bytes, *, context: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self.derive(b"seal")).encrypt(nonce, data, context)

    def open(self, sealed: bytes, *, context: bytes) -> bytes:
        return AESGCM(self.derive(b"seal")).decrypt(sealed[:_NONCE], sealed[_NONCE:], context)

    def derive(self, purpose: bytes) -> bytes:
        """Return 32 bytes for ``purpose`` (HKDF-SHA256, RFC 5869), so that no key is used for two things."""
        return _derive(self.secret, purpose)


@lru_cache(maxsize=64)
def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"altlas.authgateway." + purpose).derive(secret)


def keks() -> tuple[Kek, ...]:
    """Return the key-encryption keys, the one that encrypts first.

    Raises:
        SettingError: ALTLAS_KEK is malformed, or unset in production.
    """
    return _parse(conf.kek or _from_file(engines.HOME.path / "keys" / "kek"))


@lru_cache(maxsize=4)
def _from_file(path: Path) -> str:
    if settings.PRODUCTION:
        raise SettingError("ALTLAS_KEK must be set in production: 32 random bytes as base64url; set it.")
    return read_or_create(path, characters=32)


@lru_cache(maxsize=4)
def _parse(text: str) -> tuple[Kek, ...]:
    return tuple(_one(part.strip()) for part in text.split(",") if part.strip())


def _one(text: str) -> Kek:
    try:
        secret = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != 32 or len(set(secret)) < 8:
        raise SettingError("ALTLAS_KEK must hold 32 random bytes as base64url per key; correct it.")
    return Kek(id=hashlib.sha256(b"kek-id" + secret).hexdigest()[:16], secret=secret)


def seal(data: bytes, *, context: str) -> tuple[bytes, str]:
    """Return ``data`` sealed under the first KEK, and that KEK's id. ``context`` must be given again to open it."""
    first = keks()[0]
    return first.seal(data, context=context.encode()), first.id


def open_sealed(sealed: bytes, *, kek_id: str, context: str) -> bytes:
    """Return what :func:`seal` sealed.

    Raises:
        SigningUnavailable: the KEK is not in the list any more, or the row was tampered with.
    """
    for kek in keks():
        if kek.id == kek_id:
            try:
                return kek.open(sealed, context=context.encode())
            except InvalidTag:
                break
    raise SigningUnavailable("A sealed key cannot be opened with ALTLAS_KEK; give the key it was sealed with.")
