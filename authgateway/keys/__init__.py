"""Signing keys: generation, sealing of the private halves, and this process's copy of the ring."""
