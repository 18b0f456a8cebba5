"""Everything that writes. One verb per function; each opens its own transaction."""
