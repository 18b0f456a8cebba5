from authgateway.admin import denials, events, families, keys, users

__all__ = ["denials", "events", "families", "keys", "users"]
