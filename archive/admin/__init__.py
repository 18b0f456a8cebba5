from archive.admin import audit, plans, records, retention

__all__ = ["audit", "plans", "records", "retention"]
