"""When the catalogue must be brought up to date (目录更新): the clock that runs for a code until its next version."""

from datetime import date

from sqlalchemy.orm import Session

from catalog.control.clocks import running_clock, start_clock
from catalog.control.entry_tables import CatalogueEntry

UPDATE_KIND = "catalogue_update"
"""Kind of the clocks that run for a code, not for one version."""


def want_update(session: Session, entry: CatalogueEntry, today: date) -> bool:
    """Start the clock of an entry's update, unless it runs; tell whether it was started now."""
    if running_clock(session, UPDATE_KIND, entry.code) is not None:
        return False
    start_clock(session, UPDATE_KIND, entry.code, "catalogue_update", entry.provider, today)
    return True
