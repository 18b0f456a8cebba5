"""Tables of the archive. Search vectors are columns that only the database knows; see migration 0002."""

from archive.models.audit import AuditEntry
from archive.models.idempotency import IdempotencyKey
from archive.models.record import Record
from archive.models.refresh import ViewRefresh
from archive.models.revision import RecordRevision

__all__ = ["AuditEntry", "IdempotencyKey", "Record", "RecordRevision", "ViewRefresh"]
