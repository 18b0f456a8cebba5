"""RSA key pairs as PEM, JWK (RFC 7517) and thumbprint (RFC 7638)."""

from __future__ import annotations

import base64
import hashlib
import json

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

BITS = 3072  # 128-bit strength, NIST SP 800-57 part 1, table 2
LEAST_BITS = 2048


def generate() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=BITS)


def private_der(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load_private(der: bytes) -> rsa.RSAPrivateKey:
    key = serialization.load_der_private_key(der, password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("not an RSA key")
    return key


def public_pem(key: rsa.RSAPublicKey) -> str:
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return pem.decode("ascii")


def load_public(pem: str) -> rsa.RSAPublicKey:
    key = serialization.load_pem_public_key(pem.encode("ascii"))
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("not an RSA key")
    return key


def jwk(key: rsa.RSAPublicKey) -> dict[str, str]:
    """Return the public half as published: nothing private, and what it is for."""
    numbers = key.public_numbers()
    members = {"e": _base64url_integer(numbers.e), "kty": "RSA", "n": _base64url_integer(numbers.n)}
    return {**members, "kid": _thumbprint(members), "use": "sig", "alg": "RS256"}


def thumbprint(key: rsa.RSAPublicKey) -> str:
    return jwk(key)["kid"]


def _thumbprint(required: dict[str, str]) -> str:
    # RFC 7638, section 3: the required members in lexicographic order, without whitespace.
    canonical = json.dumps(required, sort_keys=True, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()


def _base64url_integer(value: int) -> str:
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
