"""Slow statements: caught as they happen, counted by fingerprint, explained later. See docs/decisions/0045."""
