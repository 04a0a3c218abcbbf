"""Which version of which very table is read (表版本锁定): its id and its newest version, found damaged or whole.

Invariant: what is pinned is never less than what the platform has seen of the same table before.
"""

from __future__ import annotations

from pyspark.sql import SparkSession
from sqlalchemy.orm import Session

from catalog.control.positions import TableVersion
from catalog.control.session import in_transaction
from catalog.control.table_states import note_version, seen_version
from catalog.model.errors import GuantongError
from catalog.model.layers import Table
from jobs.runtime import delta


class TableWentBackError(GuantongError):
    """A table has fewer commits than the platform has seen of it (湖表回退): rows that were accepted are gone."""

    code = "TABLE_WENT_BACK"


def pin(spark: SparkSession, table: Table) -> TableVersion:
    """Return id and newest version of ``table``, which exists, and note that it was seen.

    Raises:
        TableDamagedError: when its log is not whole.
        TableWentBackError: when the platform has seen a later version of the same table.
    """
    now = delta.table_version(spark, table)
    later = in_transaction(lambda session: _note(session, table, now))
    if later is not None:
        now = delta.table_version(spark, table)
        later = in_transaction(lambda session: _note(session, table, now))
    if later is not None:
        raise TableWentBackError(
            f"{table.name} is at version {now.version}, and version {later.version} of it has been seen",
            place=table.uri,
            remedy="an older copy was put back, or commits were lost: restore lake and control plane of one moment, "
            "or make the table anew from the layer below it, as infra/runbooks/stack.md says",
        )
    return now


def _note(session: Session, table: Table, now: TableVersion) -> TableVersion | None:
    """Note a version, or return the later one of the same table that was seen."""
    seen = seen_version(session, table.name)
    if seen is not None and seen.table_id == now.table_id and seen.version > now.version:
        return seen
    if seen != now:
        note_version(session, table.name, now)
    return None
