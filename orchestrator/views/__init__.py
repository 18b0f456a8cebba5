"""HTTP doors: parse, permit, one call."""
