"""The database backend: Django's for PostgreSQL with metrics, and a cheaper look at pooled connections."""
