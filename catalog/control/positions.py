"""How far each consumer has read each source (位点)."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.tables import Position


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
            set_={"position": statement.excluded.position, "updated_at": statement.excluded.updated_at},
        )
    )
