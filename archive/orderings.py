"""The orders in which records can be listed. Each names the index that serves it, forwards and backwards."""

from __future__ import annotations

from dataclasses import dataclass

from archive.exceptions import InvalidQuery


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column of an order. ``nulls_first`` None leaves the place of NULLs to the direction, as PostgreSQL does.

    A column without NULLs may say it all the same: two indexes that differ in nothing else serve different orders, so
    the one that was meant is the only one that the planner can take.
    """

    name: str
    descending: bool = False
    nullable: bool = False
    nulls_first: bool | None = None

    def reversed(self) -> Column:
        return Column(
            name=self.name,
            descending=not self.descending,
            nullable=self.nullable,
            nulls_first=None if self.nulls_first is None else not self.nulls_first,
        )

    def sql(self) -> str:
        nulls = "" if self.nulls_first is None else (" NULLS FIRST" if self.nulls_first else " NULLS LAST")
        return f"{self.name} {'DESC' if self.descending else 'ASC'}{nulls}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ordering:
    """A total order: the last column is always the primary key."""

    name: str
    index: str
    columns: tuple[Column, ...]

    def reversed(self) -> Ordering:
        return Ordering(name=self.name, index=self.index, columns=tuple(column.reversed() for column in self.columns))

    def sql(self) -> str:
        return ", ".join(column.sql() for column in self.columns)


def _both(name: str, reverse: str, index: str, *columns: Column) -> dict[str, Ordering]:
    forward = Ordering(name=name, index=index, columns=columns)
    backward = forward.reversed()
    return {name: forward, reverse: Ordering(name=reverse, index=index, columns=backward.columns)}


_ID, _ID_DOWN = Column(name="id"), Column(name="id", descending=True)
_CREATED_DOWN = Column(name="created_at", descending=True)
# Behind an equal first column these would be served by archive_created too, filtered row by row; with the other place
# of NULLs (of which they have none) only the index of the order fits, whatever the statistics say.
_THEN_UP = (Column(name="created_at", nulls_first=True), Column(name="id", nulls_first=True))
_THEN_DOWN = tuple(column.reversed() for column in _THEN_UP)

DEFAULT = "-created_at"
OF_OWNER: dict[str, Ordering] = {
    **_both("-created_at", "created_at", "archive_created", _CREATED_DOWN, _ID_DOWN),
    **_both("-updated_at", "updated_at", "archive_updated", Column(name="updated_at", descending=True), _ID_DOWN),
    **_both("title", "-title", "archive_title", Column(name="title"), _ID),
    **_both("kind,-created_at", "-kind,created_at", "archive_kind", Column(name="kind"), *_THEN_DOWN),
    **_both("status,-created_at", "-status,created_at", "archive_status", Column(name="status"), *_THEN_DOWN),
    # Records without a rate come last when the best come first, and first in the exact reverse.
    **_both(
        "-success_rate,created_at",
        "success_rate,-created_at",
        "archive_success",
        Column(name="success_rate", descending=True, nullable=True, nulls_first=False),
        *_THEN_UP,
    ),
}
# The default order within one kind or one status, from the index that begins with it.
_WITHIN: dict[str, dict[str, Ordering]] = {
    column: _both("-created_at", "created_at", f"archive_{column}", *_THEN_DOWN) for column in ("kind", "status")
}
DEFAULT_OF_ALL = "-id"
OF_ALL: dict[str, Ordering] = _both("-id", "id", "archive_record_pkey", _ID_DOWN)
DEFAULT_OF_TRASH = "-deleted_at"
OF_TRASH: dict[str, Ordering] = _both(
    "-deleted_at", "deleted_at", "archive_trash", Column(name="deleted_at", descending=True), _ID_DOWN
)


def choose(name: str | None, *, all_owners: bool, trash: bool) -> Ordering:
    """Return the order called ``name``, or the default one when None.

    Raises:
        InvalidQuery: this list does not have that order.
    """
    if all_owners:
        choices, default = OF_ALL, DEFAULT_OF_ALL
    else:
        choices, default = (OF_TRASH, DEFAULT_OF_TRASH) if trash else (OF_OWNER, DEFAULT)
    found = choices.get(name or default)
    if found is None:
        raise InvalidQuery(f"This list can be ordered by {'; '.join(choices)}.")
    return found


def within(ordering: Ordering, equal: str | None) -> Ordering:
    """Return the same order as the index of the column ``equal``, which has one value in this list, gives it."""
    return _WITHIN.get(equal or "", {}).get(ordering.name, ordering)
