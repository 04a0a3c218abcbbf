"""Batches unlike their source's history (异常批次), noted as findings for a person to look at; nothing is stopped."""

from collections.abc import Sequence

from sqlalchemy import delete
from sqlalchemy.orm import Session

from catalog.control.findings import record_finding
from catalog.control.measures import BatchMeasures, measured_batches
from catalog.control.tables import Finding
from catalog.model.anomaly import Observed, Unusual, find_unusual, has_history

CODES = ("VOLUME_UNUSUAL", "NULL_SHARE_UNUSUAL", "CATEGORY_MIX_UNUSUAL")


def judge_batch(session: Session, resource: str, batch_id: str) -> list[Unusual]:
    """Return how one measured batch is unlike those of its resource that arrived before it."""
    batches = measured_batches(session, resource)
    place = next((n for n, each in enumerate(batches) if each.batch_id == batch_id), 0)
    return find_unusual(observed(batches[place]), [observed(b) for b in batches[:place]]) if place else []


def note_unusual(session: Session, resource: str, batch_ids: Sequence[str]) -> None:
    """Note every batch that is unlike its history; what an earlier try noted is replaced."""
    for batch_id in batch_ids:
        mine = [Finding.resource == resource, Finding.batch_id == batch_id, Finding.reason_code.in_(CODES)]
        session.execute(delete(Finding).where(*mine))
        for each in judge_batch(session, resource, batch_id):
            record_finding(
                session,
                resource=resource,
                batch_id=batch_id,
                reason_code=each.code,
                place=f"{each.column} {each.category}".strip(),
                detail={"seen": each.seen, "expected": each.expected, "deviations": each.deviations},
            )


def batches_with_history(session: Session, resource: str) -> list[str]:
    """Return the measured batches of a resource that had history enough to be judged."""
    batches = measured_batches(session, resource)
    return [each.batch_id for place, each in enumerate(batches) if has_history([observed(b) for b in batches[:place]])]


def observed(batch: BatchMeasures) -> Observed:
    """Return a batch's measures as the anomaly rules read them."""
    nulls: dict[str, int] = {}
    categories: dict[str, dict[str, int]] = {}
    for (measure, column, category), rows in batch.values.items():
        if measure == "nulls":
            nulls[column] = rows
        elif measure == "category":
            categories.setdefault(column, {})[category] = rows
    return Observed(batch.business_date, batch.rows, nulls, categories)
