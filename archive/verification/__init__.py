"""Verifications of the archive, through its front door, on records of an account of their own."""
