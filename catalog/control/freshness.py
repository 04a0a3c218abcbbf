"""Which sources have been silent for too long (数据时效): by their accepted deliveries and their update cycle."""

from datetime import date

from sqlalchemy import Date, cast, func, select
from sqlalchemy.orm import Session

from catalog.control.tables import Batch
from catalog.model.record_flag import is_stale
from catalog.model.registry import Registry


def stale_sources(session: Session, registry: Registry, on: date) -> list[str]:
    """Return the source resources that have not delivered for longer than their update cycle allows on ``on``.

    A delivery of nothing new counts: the source has confirmed that nothing changed.
    """
    day = func.coalesce(Batch.business_date, cast(Batch.received_at, Date))
    query = select(Batch.resource, func.max(day)).where(Batch.status.in_(("accepted", "no_op")))
    last = {row[0]: row[1] for row in session.execute(query.group_by(Batch.resource))}
    return [
        contract.id
        for contract in registry.all("silver")
        if is_stale(contract.government.update_cycle, last.get(contract.id), on)
    ]
