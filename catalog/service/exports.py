"""Exports of the whole catalogue (目录导出), made once for each published state however often they are asked for.

Writing them and proving their form costs seconds of processor for a large catalogue, so asking must not be a way to
take the service's time. Who asks while an export is being made waits for that one.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Generic, TypeAlias, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.entries import content_of
from catalog.control.entry_tables import CatalogueEntry
from catalog.control.kept_back import NegativeList, negative_list
from catalog.model.catalogue_entry import Entry

Content = TypeVar("Content")
Published: TypeAlias = tuple[Entry, datetime | None]
"""An entry as it is shared now, and when it was published."""


@dataclass
class Export(Generic[Content]):
    """One form of the catalogue, and the last state of which it was made."""

    make: Callable[[Sequence[Published], str], Content]
    """Makes it of the published entries, for the address of a service."""
    _lock: Lock = field(default_factory=Lock)
    _last: tuple[str, Content] | None = None

    def of(self, session: Session, base: str) -> Content:
        """Return the export of what is published now, made anew only where that has changed."""
        listed = negative_list(session)
        state = published_state(session, listed, base)
        with self._lock:
            if self._last is None or self._last[0] != state:
                self._last = (state, self.make(_published(session, listed), base))
            return self._last[1]


def published_state(session: Session, listed: NegativeList, base: str) -> str:
    """Return a digest that changes with every entry published, withdrawn or replaced, and with what is kept back."""
    columns = (CatalogueEntry.number, CatalogueEntry.revision, CatalogueEntry.published_at)
    query = select(*columns).where(CatalogueEntry.state == "published").order_by(CatalogueEntry.number)
    digest = hashlib.sha256(base.encode())
    for row in session.execute(query):
        digest.update(f"\n{row.number} {row.revision} {row.published_at}".encode())
    digest.update(repr(sorted(listed.citations.items())).encode())
    return digest.hexdigest()


def _published(session: Session, listed: NegativeList) -> list[Published]:
    query = select(CatalogueEntry).where(CatalogueEntry.state == "published").order_by(CatalogueEntry.code)
    return [(listed.shared(content_of(entry)), entry.published_at) for entry in session.scalars(query)]
