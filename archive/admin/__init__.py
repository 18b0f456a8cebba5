from archive.admin import audit, records

__all__ = ["audit", "records"]
