"""Registers the archive's verifications; found by ``altlas.coordination``."""

from archive.verification.cache import CACHE
from archive.verification.latency import LATENCY
from archive.verification.plans import PLANS
from archive.verification.timeouts import TIMEOUTS
from archive.verification.walks import WALKS

__all__ = ["CACHE", "LATENCY", "PLANS", "TIMEOUTS", "WALKS"]
