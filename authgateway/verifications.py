"""Registers the gateway's verifications; found by ``altlas.coordination``."""

from authgateway.verification.attacks import ATTACKS
from authgateway.verification.audit import AUDIT
from authgateway.verification.races import RACES

__all__ = ["ATTACKS", "AUDIT", "RACES"]
