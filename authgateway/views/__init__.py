"""Doors: parse, permit, one call."""
