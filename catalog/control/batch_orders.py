"""What the order of a version takes from its batch (批次次序), for every accepted batch of a resource."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.tables import Batch
from catalog.model.contract import Contract
from catalog.model.source import FeedSource
from catalog.model.version_order import BatchOrder, deliveries_made, micros


def accepted_batches(session: Session, contract: Contract) -> list[Batch]:
    """Return the accepted batches of a resource, in the order in which they arrived."""
    query = select(Batch).where(Batch.resource == contract.id, Batch.status == "accepted")
    return list(session.scalars(query.order_by(Batch.arrival)))


def batch_orders(contract: Contract, accepted: Sequence[Batch]) -> dict[str, BatchOrder]:
    """Return batch → its place; batches of a feed from before generations were told belong to the first one.

    Args:
        contract: the resource.
        accepted: all its accepted batches, in the order in which they arrived.
    """
    arrivals = {b.batch_id: b.arrival for b in accepted}
    first = min(arrivals.values(), default=0)
    made = deliveries_made([(_stated(b), b.arrival) for b in accepted])
    is_feed = isinstance(contract.source, FeedSource)

    def generation(batch: Batch) -> int:
        began = str(batch.manifest.get("generation_batch", ""))
        return arrivals.get(began, first) if is_feed else 0

    return {b.batch_id: BatchOrder(b.arrival, generation(b), moment) for b, moment in zip(accepted, made, strict=True)}


def _stated(batch: Batch) -> int | None:
    """Return when a delivery says that it was made."""
    stated = batch.manifest.get("source_at")
    return micros(datetime.fromisoformat(str(stated))) if stated else None
