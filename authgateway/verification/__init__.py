"""Verifications of the auth gateway, through its front door, with accounts of their own."""
