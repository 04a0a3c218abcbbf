"""Exports of the whole catalogue (目录导出), made once for each published state however often they are asked for.

Writing them and proving their form costs seconds of processor for a large catalogue, so asking must not be a way to
take the service's time. Who asks while an export is being made waits for that one.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.entry_tables import CatalogueEntry

Content = TypeVar("Content")


@dataclass
class Export(Generic[Content]):
    """One form of the catalogue, and the last state of which it was made."""

    make: Callable[[Sequence[CatalogueEntry], str], Content]
    """Makes it of the published entries, for the address of a service."""
    _lock: Lock = field(default_factory=Lock)
    _last: tuple[str, Content] | None = None

    def of(self, session: Session, base: str) -> Content:
        """Return the export of what is published now, made anew only where that has changed."""
        state = published_state(session, base)
        with self._lock:
            if self._last is None or self._last[0] != state:
                self._last = (state, self.make(_published(session), base))
            return self._last[1]


def published_state(session: Session, base: str) -> str:
    """Return a digest that changes with every entry that is published, withdrawn or replaced."""
    columns = (CatalogueEntry.number, CatalogueEntry.revision, CatalogueEntry.published_at)
    query = select(*columns).where(CatalogueEntry.state == "published").order_by(CatalogueEntry.number)
    digest = hashlib.sha256(base.encode())
    for row in session.execute(query):
        digest.update(f"\n{row.number} {row.revision} {row.published_at}".encode())
    return digest.hexdigest()


def _published(session: Session) -> Sequence[CatalogueEntry]:
    query = select(CatalogueEntry).where(CatalogueEntry.state == "published").order_by(CatalogueEntry.code)
    return session.scalars(query).all()
