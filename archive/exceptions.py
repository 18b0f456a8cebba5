"""Errors of the archive.

InvalidInput          400
├── InvalidRecord     400  invalid_record      a member of a record cannot be stored
├── InvalidCursor     400  invalid_cursor      forged, foreign, expired or malformed
└── InvalidQuery      400  invalid_query       a query parameter cannot be understood
RecordNotFound        404  record_not_found    also: another owner's record
RecordExists          409  record_exists       the id is taken by somebody else
TransitionNotAllowed  409  transition_not_allowed
RecordOnHold          409  record_on_hold
VersionMismatch       412  version_mismatch
IdempotencyKeyReused  422  idempotency_key_reused
BulkRefused           422  bulk_refused        an all-or-nothing write with a row that cannot be stored
SemanticUnavailable   503  semantic_unavailable
"""

from __future__ import annotations

from altlas.kernel import errors


class InvalidRecord(errors.InvalidInput):
    code = "invalid_record"
    title = "Invalid record"


class InvalidCursor(errors.InvalidInput):
    code = "invalid_cursor"
    title = "Invalid cursor"


class InvalidQuery(errors.InvalidInput):
    code = "invalid_query"
    title = "Invalid query parameter"


class RecordNotFound(errors.NotFound):
    code = "record_not_found"
    title = "Record not found"


class RecordExists(errors.Conflict):
    code = "record_exists"
    title = "Record exists"


class TransitionNotAllowed(errors.Conflict):
    code = "transition_not_allowed"
    title = "Status change not allowed"


class RecordOnHold(errors.Conflict):
    code = "record_on_hold"
    title = "Record on hold"


class VersionMismatch(errors.PreconditionFailed):
    code = "version_mismatch"
    title = "The record has changed"


class IdempotencyKeyReused(errors.Unprocessable):
    code = "idempotency_key_reused"
    title = "Idempotency key reused"


class BulkRefused(errors.Unprocessable):
    code = "bulk_refused"
    title = "Nothing was stored"


class SemanticUnavailable(errors.Unavailable):
    code = "semantic_unavailable"
    title = "Semantic search unavailable"
