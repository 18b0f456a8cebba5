"""DPoP proofs (RFC 9449): that the sender holds a key, signed for one method, address and minute."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt import algorithms
from jwt.exceptions import InvalidKeyError

from authgateway.exceptions import ProofInvalid, TokenInvalid
from authgateway.keys.rsa_key import LEAST_BITS
from authgateway.tokens import strict_json
from authgateway.tokens.verifier import decode_segment

LONGEST = 4096
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_JTI = re.compile(r"[\x21-\x7e]{8,128}")
_HEADER = frozenset({"typ", "alg", "jwk"})
_CLAIMS = frozenset({"jti", "htm", "htu", "iat"})
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "k", "oth"})
# Algorithm -> (verifier, key type, curve, members of the thumbprint in order: RFC 7638, section 3.2; RFC 8037).
_ALGORITHMS: dict[str, tuple[Any, str, str, tuple[str, ...]]] = {
    "ES256": (algorithms.ECAlgorithm(algorithms.ECAlgorithm.SHA256), "EC", "P-256", ("crv", "kty", "x", "y")),
    "EdDSA": (algorithms.OKPAlgorithm(), "OKP", "Ed25519", ("crv", "kty", "x")),
    "RS256": (algorithms.RSAAlgorithm(algorithms.RSAAlgorithm.SHA256), "RSA", "", ("e", "kty", "n")),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What the proof must be for."""

    method: str
    url: str  # without query and fragment


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    jkt: str
    jti: str


def verify(text: str, *, target: Target, now: float, window: int, access_token: str = "") -> Proof:
    """Return the thumbprint of the key that made ``text``, and its id, which the caller must let pass only once.

    Raises:
        ProofInvalid: with the reason for the security log.
    """
    if len(text) > LONGEST or not _SHAPE.fullmatch(text):
        raise ProofInvalid("malformed")
    head, payload, signature = text.split(".")
    try:
        header, claims = strict_json.loads(decode_segment(head)), strict_json.loads(decode_segment(payload))
        raw = decode_segment(signature)
    except (ValueError, TokenInvalid):
        raise ProofInvalid("malformed") from None
    jkt = _check_signature(header, f"{head}.{payload}".encode("ascii"), raw)
    _check_claims(claims, target=target, now=now, window=window, access_token=access_token)
    return Proof(jkt=jkt, jti=claims["jti"])


def _check_signature(header: dict[str, Any], message: bytes, signature: bytes) -> str:
    if header.keys() != _HEADER or header["typ"] != "dpop+jwt":
        raise ProofInvalid("header")
    found = _ALGORITHMS.get(header["alg"]) if isinstance(header["alg"], str) else None
    jwk = header["jwk"]
    if found is None or not isinstance(jwk, dict):
        raise ProofInvalid("algorithm")
    algorithm, kty, curve, members = found
    if _PRIVATE & jwk.keys() or jwk.get("kty") != kty or (curve and jwk.get("crv") != curve):
        raise ProofInvalid("key")
    if not all(isinstance(jwk.get(name), str) for name in members):
        raise ProofInvalid("key")
    public = {name: jwk[name] for name in members}
    try:
        key = algorithm.from_jwk(public)
    except (InvalidKeyError, ValueError, UnsupportedAlgorithm):
        raise ProofInvalid("key") from None
    if isinstance(key, rsa.RSAPublicKey) and not LEAST_BITS <= key.key_size <= 4096:
        raise ProofInvalid("key")
    if not algorithm.verify(message, key, signature):
        raise ProofInvalid("signature")
    canonical = json.dumps(public, sort_keys=True, separators=(",", ":")).encode()
    return _hash(canonical)


def _check_claims(claims: dict[str, Any], *, target: Target, now: float, window: int, access_token: str) -> None:
    if not claims.keys() >= _CLAIMS:
        raise ProofInvalid("claims")
    if not isinstance(claims["jti"], str) or not _JTI.fullmatch(claims["jti"]):
        raise ProofInvalid("jti")
    if claims["htm"] != target.method:
        raise ProofInvalid("htm")
    if not isinstance(claims["htu"], str) or _bare(claims["htu"]) != _bare(target.url):
        raise ProofInvalid("htu")
    if type(claims["iat"]) is not int or not -window <= now - claims["iat"] <= window:
        raise ProofInvalid("iat")
    if access_token and claims.get("ath") != _hash(access_token.encode("ascii")):
        raise ProofInvalid("ath")


def _bare(url: str) -> tuple[str, str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ProofInvalid("htu") from None
    return parts.scheme.lower(), parts.netloc.lower(), parts.path


def _hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
