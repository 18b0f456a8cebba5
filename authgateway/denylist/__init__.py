"""The denylist: PostgreSQL is the truth, Redis refuses early (docs/authgateway.md: without Redis)."""
