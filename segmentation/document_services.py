"""ALT documents of runs, and those that come from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from archive import services as archive
from segmentation import documents, selectors
from segmentation.exceptions import NoDocument
from segmentation.statuses import Status

_NAMESPACE = UUID("5d6f7f0e-2c55-4d0e-9a39-0c1d6f1b8a42")  # of the record ids made from documents
KIND = "alt-document"


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """A document that was taken; ``order`` is one in which its segments can be done."""

    document: dict[str, Any]
    order: list[str]
    record_id: UUID | None


def run_document(*, run_id: UUID, owner_id: UUID | None, position: int = 0) -> dict[str, Any]:
    """Return the ALT document of text ``position`` of a run of the strategy ``command``.

    Raises:
        RunNotFound
        NoDocument: another strategy, or the text has no result (yet).
    """
    run = selectors.run_get(run_id=run_id, owner_id=owner_id)
    if run.strategy != "command":
        raise NoDocument(f"Only the strategy command gives documents; this run is of {run.strategy}.")
    item = run.items.filter(position=position).first()
    if item is None or item.status != Status.SUCCEEDED:
        raise NoDocument(f"Text {position} of this run has no result.")
    return documents.document_of(id=str(item.pk), command=item.text, language=item.language, extra=item.extra)


def document_import(*, owner_id: UUID, value: Any, keep: bool) -> Imported:
    """Check a document and, with ``keep``, store it in the archive; the same one again gives the same record.

    Raises:
        InvalidDocument: nothing was stored.
    """
    document = documents.checked(value)
    record_id = None
    if keep:
        record_id = uuid5(_NAMESPACE, f"{owner_id}\n{documents.dump(document, form='json')}")
        archive.record_create(
            owner_id=owner_id,
            kind=KIND,
            title=document["command"][:100] or document["id"],
            text=document["command"],
            payload=document,
            tags=["command"],
            language=document["language"],
            record_id=record_id,
        )
    return Imported(document=document, order=documents.order_of(document), record_id=record_id)
