"""Verifications of the orchestrator, against the running nodes and on a private one."""
