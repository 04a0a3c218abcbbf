"""How far each consumer has read each source (位点); of a lake table by its id and version."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.tables import Position


@dataclass(frozen=True)
class TableVersion:
    """One version of one very table (表标识与版本): made anew, a table counts again from 0 under another id."""

    table_id: str
    """Delta's id; empty in positions written before it was kept."""
    version: int

    def __str__(self) -> str:
        """Return it as positions keep it.

        >>> str(TableVersion("a1b2", 12))
        'a1b2@12'
        """
        return f"{self.table_id}@{self.version}"

    @classmethod
    def parse(cls, text: str) -> TableVersion:
        """Return what ``str`` wrote, or a bare version number of an older home.

        >>> TableVersion.parse("a1b2@12"), TableVersion.parse("12")
        (TableVersion(table_id='a1b2', version=12), TableVersion(table_id='', version=12))
        """
        table_id, _, version = text.rpartition("@")
        return cls(table_id, int(version))

    def precedes(self, now: TableVersion) -> bool:
        """Tell whether ``now`` is the same table, as far or further on: whether a change feed joins the two.

        >>> TableVersion("a", 3).precedes(TableVersion("a", 3)), TableVersion("a", 3).precedes(TableVersion("b", 9))
        (True, False)
        """
        return self.table_id in ("", now.table_id) and self.version <= now.version


def get_position(session: Session, consumer: str, source: str) -> str | None:
    """Return the position up to which a consumer has read a source, or nothing before its first run."""
    found = session.get(Position, (consumer, source), populate_existing=True)
    return found.position if found else None


def set_position(session: Session, consumer: str, source: str, position: str) -> None:
    """Record how far a consumer has read a source; do it in the transaction that records the work."""
    values = {"consumer": consumer, "source": source, "position": position, "updated_at": utc_now()}
    statement = insert(Position).values(values)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["consumer", "source"],
            set_={
                "position": statement.excluded.position,
                "updated_at": statement.excluded.updated_at,
            },
        )
    )


def get_table_position(session: Session, consumer: str, table_name: str) -> TableVersion | None:
    """Return the version of a table that a consumer has consumed, or nothing before its first run."""
    found = get_position(session, consumer, table_name)
    return None if found is None else TableVersion.parse(found)


def set_table_position(session: Session, consumer: str, table_name: str, version: TableVersion) -> None:
    """Record up to which version of a table a consumer has consumed it."""
    set_position(session, consumer, table_name, str(version))
