"""Scopes: what a token allows, and which of them a user may be given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from authgateway.models import User

SEGMENT: Final = "segment"
ARCHIVE_READ: Final = "archive:read"
ARCHIVE_WRITE: Final = "archive:write"
ARCHIVE_ALL: Final = "archive:all"
MODELS_INFER: Final = "models:infer"
MODELS_OPERATE: Final = "models:operate"
AUDIT_READ: Final = "audit:read"

DESCRIPTIONS: Final[dict[str, str]] = {
    SEGMENT: "Segment texts.",
    ARCHIVE_READ: "Read one's own archive records.",
    ARCHIVE_WRITE: "Write one's own archive records.",
    ARCHIVE_ALL: "Read and write everybody's archive records.",
    MODELS_INFER: "Use models.",
    MODELS_OPERATE: "Register, load and unload models.",
    AUDIT_READ: "Read audit entries and security events; introspect any token.",
}
ALL: Final = frozenset(DESCRIPTIONS)
ORDINARY: Final = frozenset({SEGMENT, ARCHIVE_READ, ARCHIVE_WRITE, MODELS_INFER})

# Group name -> what its members get beside the ordinary scopes; members must be staff.
GROUPS: Final[dict[str, frozenset[str]]] = {
    "operators": frozenset({MODELS_OPERATE}),
    "auditors": frozenset({AUDIT_READ}),
}


def of_user(user: User) -> frozenset[str]:
    """Return every scope that ``user`` may hold now."""
    if user.is_superuser:
        return ALL
    if not user.is_staff:
        return ORDINARY
    names = user.groups.filter(name__in=GROUPS).values_list("name", flat=True)
    return ORDINARY.union(*(GROUPS[name] for name in names))
