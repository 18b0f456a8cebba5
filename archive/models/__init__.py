"""Tables of the archive. Search vectors are columns that only the database knows; see migration 0002."""

from archive.models.audit import AuditEntry
from archive.models.idempotency import IdempotencyKey
from archive.models.intake import ImportMark
from archive.models.record import Record
from archive.models.refresh import ViewRefresh
from archive.models.retention import RetentionRule
from archive.models.revision import RecordRevision
from archive.models.slow_query import QueryPlan, SlowQuery

__all__ = [
    "AuditEntry",
    "IdempotencyKey",
    "ImportMark",
    "QueryPlan",
    "Record",
    "RecordRevision",
    "RetentionRule",
    "SlowQuery",
    "ViewRefresh",
]
