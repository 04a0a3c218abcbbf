"""What follows a line of the negative list (负面清单即时生效): grants are suspended, entries are to be changed.

Acts and reads ask the list themselves (`kept_back`); this is what changes at once because of it, in its transaction.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.catalogue_updates import want_update
from catalog.control.clocks import local_day
from catalog.control.entry_tables import CatalogueEntry
from catalog.control.events import tell
from catalog.control.grant_following import suspend_kept_back
from catalog.control.kept_back import negative_list, sources_of
from catalog.control.list_tables import NegativeListing
from catalog.model.catalogue_entry import Entry, read_entry


def follow_listing(session: Session, line: NegativeListing, at: datetime) -> None:
    """Suspend the grants that have what a line keeps back, and let the entries that share it be changed in time."""
    listed = negative_list(session)
    published = select(CatalogueEntry).where(CatalogueEntry.state == "published")
    for record in session.scalars(published.order_by(CatalogueEntry.code).with_for_update()).all():
        entry = read_entry(record.content, place=record.number)
        if not concerns(line, entry):
            continue
        shared = [item.name for item in entry.items if item.share_type != "refused"]
        if items := listed.items(entry, shared):
            suspend_kept_back(session, record, items, at)
            want_update(session, record, local_day(at))
            told = {"number": record.number, "code": record.code, "items": items}
            tell(session, "entry.kept_back", f"entry:{record.number}", {"provider": record.provider}, told)


def concerns(line: NegativeListing, entry: Entry) -> bool:
    """Tell whether a line is about an entry: its department shares it, or is the source of an item that it names."""
    named = {item.element for item in entry.items if item.element} & set(line.elements)
    return line.department == entry.provider or any(line.department in sources_of(element) for element in named)
