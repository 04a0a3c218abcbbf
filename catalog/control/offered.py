"""What the catalogue offers now (现行目录): the entry that is published under a code, and whether it still shares."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.entry_tables import CatalogueEntry
from catalog.control.kept_back import require_shareable
from catalog.model.catalogue_entry import Entry, read_entry
from catalog.model.entry_rights import require_own
from catalog.model.registry import get_registry
from catalog.model.state_machine import MoveRefusedError


def offered_entry(session: Session, code: str, items: Collection[str]) -> Entry:
    """Return the published entry of a code, which shares some items.

    Raises:
        EntryNotOwnError: by the contracts of today it is not its provider's to offer.
        MoveRefusedError: nothing is published under the code any more, or an item is gone or no longer shared.
        KeptBackError: the negative list forbids an item by now.
    """
    found = session.scalars(
        select(CatalogueEntry).where(CatalogueEntry.code == code, CatalogueEntry.state == "published")
    ).one_or_none()
    if found is None:
        raise MoveRefusedError(f"no entry is published under {code} any more", remedy="publish it, or refuse")
    entry = read_entry(found.content, place=found.number)
    require_own(entry, get_registry())
    shared = {item.name for item in entry.items if item.share_type != "refused"}
    if gone := sorted(set(items) - shared):
        raise MoveRefusedError(
            f"{found.number} no longer shares {', '.join(gone)}", remedy="apply for what the entry has now"
        )
    require_shareable(session, entry, items, found.number)
    return entry
