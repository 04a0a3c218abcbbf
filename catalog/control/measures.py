"""What batches looked like (批次度量): rows, empty cells and categories, for rules on a source's own history."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.control.quality_tables import BatchMeasure
from catalog.control.tables import Batch


@dataclass(frozen=True)
class Measure:
    """One number about the accepted rows of one batch."""

    batch_id: str
    measure: str
    """`rows`, `nulls` or `category`."""
    column_name: str
    category: str
    rows: int


@dataclass(frozen=True)
class BatchMeasures:
    """All measures of one batch."""

    batch_id: str
    business_date: date | None
    values: dict[tuple[str, str, str], int]
    """Measure, column, category → rows."""

    @property
    def rows(self) -> int:
        """Accepted rows."""
        return self.values.get(("rows", "", ""), 0)


def replace_measures(session: Session, resource: str, batch_ids: Collection[str], found: Sequence[Measure]) -> None:
    """Record the measures of ``batch_ids``, replacing those of an earlier try."""
    session.execute(delete(BatchMeasure).where(BatchMeasure.batch_id.in_(batch_ids)))
    if found:
        session.execute(insert(BatchMeasure), [{**vars(measure), "resource": resource} for measure in found])


def measured_batches(session: Session, resource: str, limit: int = 120) -> list[BatchMeasures]:
    """Return the latest measured batches of a resource, oldest first."""
    latest = (
        select(Batch.batch_id, Batch.business_date)
        .where(Batch.resource == resource, Batch.status == "accepted")
        .order_by(Batch.received_at.desc(), Batch.batch_id.desc())
        .limit(limit)
    )
    batches = session.execute(latest).all()
    values: dict[str, dict[tuple[str, str, str], int]] = {}
    query = select(BatchMeasure).where(BatchMeasure.batch_id.in_([batch_id for batch_id, _ in batches]))
    for each in session.scalars(query):
        values.setdefault(each.batch_id, {})[each.measure, each.column_name, each.category] = each.rows
    found = [BatchMeasures(batch_id, day, values[batch_id]) for batch_id, day in batches if batch_id in values]
    return found[::-1]
