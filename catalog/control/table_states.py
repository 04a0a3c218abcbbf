"""The newest version seen of each table of the lake (表版本记录): what tells that a commit was lost."""

from sqlalchemy import or_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.pipeline_tables import TableState
from catalog.control.positions import TableVersion


def seen_version(session: Session, table_name: str) -> TableVersion | None:
    """Return the newest version of a table that the platform has seen, or nothing."""
    found = session.get(TableState, table_name, populate_existing=True)
    return TableVersion(found.table_id, found.version) if found else None


def note_version(session: Session, table_name: str, now: TableVersion) -> None:
    """Record a version that exists; a lower one of the same table changes nothing."""
    values = {
        "table_name": table_name,
        "table_id": now.table_id,
        "version": now.version,
        "seen_at": utc_now(),
    }
    statement = insert(TableState).values(values)
    is_news = or_(
        TableState.table_id != statement.excluded.table_id,
        TableState.version < statement.excluded.version,
    )
    changed = {name: statement.excluded[name] for name in values if name != "table_name"}
    session.execute(statement.on_conflict_do_update(index_elements=["table_name"], set_=changed, where=is_news))
