"""DPoP proofs of requests: checked, and let pass once."""

from __future__ import annotations

import hashlib

from altlas.kernel.clock import now
from authgateway.caller import Caller
from authgateway.conf import conf
from authgateway.exceptions import ProofInvalid
from authgateway.models import SecurityEvent
from authgateway.services.security_events import refusal_record
from authgateway.throttle import counters
from authgateway.throttle.limits import Limit
from authgateway.tokens import dpop
from authgateway.tokens.dpop import Target


def proof_take(*, text: str, target: Target, caller: Caller, access_token: str = "") -> str:
    """Check a proof and use it up; return the thumbprint of its key.

    Raises:
        ProofInvalid: it is not good for this request, or was used before.
    """
    try:
        proof = dpop.verify(
            text, target=target, now=now().timestamp(), window=conf.dpop_seconds, access_token=access_token
        )
        _once(proof)
    except ProofInvalid as exc:
        refusal_record(reason="dpop_" + exc.reason, severity=SecurityEvent.Severity.MEDIUM, caller=caller)
        raise
    return proof.jkt


def _once(proof: dpop.Proof) -> None:
    name = hashlib.sha256(f"{proof.jkt}\0{proof.jti}".encode()).hexdigest()[:40]
    # Both sides of the window: a proof from the near future lives that much longer.
    limit = Limit(name="dpop", key=f"dpop:{name}", most=1, seconds=2 * conf.dpop_seconds + 1)
    if counters.take((limit,)).blocked_by is not None:
        raise ProofInvalid("replayed")
