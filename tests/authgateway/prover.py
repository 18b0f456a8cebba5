"""Makes DPoP proofs: good ones, and whatever an attacker would send."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tests.authgateway.forge import ABSENT, b64

_ES256 = ECAlgorithm(ECAlgorithm.SHA256)
HOST = "http://testserver"


class Prover:
    """A client that holds a P-256 key."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())

    @property
    def jwk(self) -> dict[str, str]:
        found = json.loads(ECAlgorithm.to_jwk(self.key.public_key()))
        return {name: found[name] for name in ("crv", "kty", "x", "y")}

    @property
    def private_jwk(self) -> dict[str, str]:
        return dict(json.loads(ECAlgorithm.to_jwk(self.key)))

    def proof(
        self, method: str, path: str, *, access: str = "", head: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk, **(head or {})}
        claims = {"jti": secrets.token_urlsafe(12), "htm": method, "htu": HOST + path, "iat": int(time.time())}
        if access:
            claims["ath"] = base64.urlsafe_b64encode(hashlib.sha256(access.encode()).digest()).rstrip(b"=").decode()
        claims = {name: value for name, value in {**claims, **changes}.items() if value is not ABSENT}
        message = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
        return f"{message}.{b64(_ES256.sign(message.encode(), self.key))}"

    def headers(self, method: str, path: str, access: str, **changes: Any) -> dict[str, str]:
        return {"Authorization": f"DPoP {access}", "DPoP": self.proof(method, path, access=access, **changes)}
