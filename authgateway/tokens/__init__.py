"""Tokens: rules without I/O. Signing and verifying take keys as arguments."""
