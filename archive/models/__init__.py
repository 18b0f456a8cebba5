"""Tables of the archive. Search vectors are columns that only the database knows; see migration 0001."""

from archive.models.audit import AuditEntry
from archive.models.record import Record
from archive.models.revision import RecordRevision

__all__ = ["AuditEntry", "Record", "RecordRevision"]
