"""Errors of segmentation.

NotFound          └── RunNotFound         run_not_found
InvalidInput      ├── InvalidRequest      invalid_request       errors[] names every member at fault
                  └── InvalidDocument     invalid_document      of an ALT document
TooLarge          └── TextTooLong         text_too_long
Conflict          ├── TransitionNotAllowed transition_not_allowed
                  └── NoDocument          no_document
Unavailable       ├── QueueFull           queue_full
                  └── TooManyStreams      too_many_streams
Unprocessable     └── TokenizerMissing    tokenizer_missing
DeadlineExceeded  └── RunTimedOut         run_timed_out
"""

from __future__ import annotations

from altlas.kernel import errors


class RunNotFound(errors.NotFound):
    code = "run_not_found"
    title = "Segmentation not found"


class InvalidRequest(errors.InvalidInput):
    code = "invalid_request"
    title = "Invalid segmentation request"


class TextTooLong(errors.TooLarge):
    code = "text_too_long"
    title = "Text too long"


class TransitionNotAllowed(errors.Conflict):
    code = "transition_not_allowed"
    title = "Not possible in this state"


class QueueFull(errors.Unavailable):
    code = "queue_full"
    title = "Too many runs are waiting"


class TooManyStreams(errors.Unavailable):
    code = "too_many_streams"
    title = "Too many event streams"


class RunTimedOut(errors.DeadlineExceeded):
    code = "run_timed_out"
    title = "Segmentation took too long"


class InvalidDocument(errors.InvalidInput):
    code = "invalid_document"
    title = "Invalid ALT document"


class NoDocument(errors.Conflict):
    code = "no_document"
    title = "There is no ALT document"


class TokenizerMissing(errors.Unprocessable):
    code = "tokenizer_missing"
    title = "Tokens cannot be counted"


class ClaimLost(Exception):
    """The run was cancelled or taken over while this worker was at it; nothing more may be written."""
