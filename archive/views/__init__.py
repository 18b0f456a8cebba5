"""Doors of the archive over HTTP: parse, permit, one call."""
