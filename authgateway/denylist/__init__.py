"""The denylist: PostgreSQL is the truth, Redis refuses early. See docs/authgateway.md for what happens without Redis."""
