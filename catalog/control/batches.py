"""The register of batches (批次登记): what arrived, whether it came before, and which stage still owes it work."""

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, cast, delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.event_tables import Event
from catalog.control.events import tell
from catalog.control.resources import provider_of
from catalog.control.tables import Batch, BatchStage
from catalog.model.errors import GuantongError


class DuplicateDeliveryError(GuantongError):
    """The same bytes were already accepted for this resource (重复报送)."""

    code = "DUPLICATE_DELIVERY"

    def __init__(self, resource: str, batch_id: str, earlier: str) -> None:
        super().__init__(
            f"the content is the same as that of batch {earlier}, which was accepted before",
            place=f"{resource}, batch {batch_id}",
            remedy="register the batch as no_op",
        )
        self.earlier = earlier


def register_batch(
    session: Session,
    *,
    batch_id: str,
    resource: str,
    source: str,
    dataset: str,
    kind: str,
    status: str = "received",
    business_date: date | None = None,
    reason_code: str | None = None,
    reason: str | None = None,
    declared_rows: int | None = None,
    received_rows: int | None = None,
    content_sha256: str | None = None,
    cursor_from: str | None = None,
    cursor_to: str | None = None,
    location: str | None = None,
    manifest: dict[str, Any] | None = None,
) -> Batch:
    """Write a batch into the register, or bring the entry of the same batch up to date on a replay.

    Its department is told when it is accepted, held or known already: of a batch, each once.

    Raises:
        DuplicateDeliveryError: When it is to be accepted and another batch with the same content already was.
    """
    values = {
        "batch_id": batch_id,
        "resource": resource,
        "source": source,
        "dataset": dataset,
        "kind": kind,
        "status": status,
        "business_date": business_date,
        "reason_code": reason_code,
        "reason": reason,
        "declared_rows": declared_rows,
        "received_rows": received_rows,
        "content_sha256": content_sha256,
        "cursor_from": cursor_from,
        "cursor_to": cursor_to,
        "location": location,
        "manifest": manifest or {},
    }
    before = session.scalar(select(Batch.status).where(Batch.batch_id == batch_id))
    statement = insert(Batch).values({**values, "arrival": _next_arrival(resource)})
    changed = {name: statement.excluded[name] for name in values if name != "batch_id"}
    try:
        with session.begin_nested():
            session.execute(statement.on_conflict_do_update(index_elements=["batch_id"], set_=changed))
    except IntegrityError as error:
        earlier = find_accepted_batch(session, resource, content_sha256 or "")
        if earlier is None or earlier.batch_id == batch_id:
            raise
        raise DuplicateDeliveryError(resource, batch_id, earlier.batch_id) from error
    batch = session.get_one(Batch, batch_id, populate_existing=True)
    if status != before:
        _tell(session, batch)
    return batch


def _tell(session: Session, batch: Batch) -> None:
    """Tell the department what became of its delivery: the receipt of what was accepted, or why it is held."""
    kind = {"held": "delivery.held", "no_op": "delivery.repeated", "accepted": "delivery.accepted"}.get(batch.status)
    if kind is None:
        return
    place = f"batch:{batch.batch_id}"
    held = exists().where(Event.object == place, Event.kind == "delivery.held")
    if batch.status == "accepted" and session.scalar(select(held)):
        kind = "delivery.released"
    told = {
        "batch_id": batch.batch_id,
        "resource": batch.resource,
        "reason_code": batch.reason_code,
        "declared": batch.declared_rows,
        "received": batch.received_rows,
        "sha256": batch.content_sha256,
        "business_date": batch.business_date,
    }
    once = f"{kind}/{batch.batch_id}/{batch.reason_code or ''}"
    tell(session, kind, place, {"provider": provider_of(session, batch.resource)}, told, once=once)


def _next_arrival(resource: str) -> ColumnElement[int]:
    """Return the arrival number of a new batch: the present, and above all earlier ones.

    A clock of this machine that was once ahead, or is put back, changes no order.
    """
    last = select(func.coalesce(func.max(Batch.arrival), 0) + 1).where(Batch.resource == resource)
    present = cast(func.extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)
    return func.greatest(last.scalar_subquery(), present)


def find_batch(session: Session, batch_id: str) -> Batch | None:
    """Return one batch, or nothing."""
    return session.get(Batch, batch_id)


def find_accepted_batch(session: Session, resource: str, content_sha256: str) -> Batch | None:
    """Return the accepted batch of a resource that had exactly this content, or nothing."""
    return session.scalars(
        select(Batch).where(
            Batch.resource == resource, Batch.content_sha256 == content_sha256, Batch.status == "accepted"
        )
    ).one_or_none()


def list_batches(
    session: Session,
    *,
    resource: str | None = None,
    status: str | None = None,
    business_date: date | None = None,
    limit: int = 100,
) -> list[Batch]:
    """Return the latest batches, newest first."""
    query = select(Batch).order_by(Batch.received_at.desc(), Batch.batch_id.desc()).limit(limit)
    if resource:
        query = query.where(Batch.resource == resource)
    if status:
        query = query.where(Batch.status == status)
    if business_date:
        query = query.where(Batch.business_date == business_date)
    return list(session.scalars(query))


def pending_batches(session: Session, resource: str, stage: str) -> list[Batch]:
    """Return the accepted batches of a resource that a stage has not finished, in the order they arrived."""
    finished = exists().where(
        BatchStage.batch_id == Batch.batch_id, BatchStage.stage == stage, BatchStage.status == "done"
    )
    return list(
        session.scalars(
            select(Batch)
            .where(Batch.resource == resource, Batch.status == "accepted", ~finished)
            .order_by(Batch.arrival, Batch.batch_id)
        )
    )


def finish_stage(
    session: Session,
    batch_id: str,
    stage: str,
    resource: str,
    *,
    status: str = "done",
    delta_version: int | None = None,
) -> None:
    """Record that a stage is through with a batch (`done`), or that it failed on it (`failed`)."""
    values = {
        "batch_id": batch_id,
        "stage": stage,
        "resource": resource,
        "status": status,
        "delta_version": delta_version,
        "finished_at": utc_now(),
    }
    statement = insert(BatchStage).values(values)
    changed = {name: statement.excluded[name] for name in values if name not in ("batch_id", "stage")}
    session.execute(statement.on_conflict_do_update(index_elements=["batch_id", "stage"], set_=changed))


def reopen_stage(session: Session, batch_ids: Collection[str], stage: str) -> list[str]:
    """Let a stage owe work to batches again that it had finished; return those that were finished, in order."""
    opened = session.scalars(
        delete(BatchStage)
        .where(BatchStage.batch_id.in_(batch_ids), BatchStage.stage == stage)
        .returning(BatchStage.batch_id)
    )
    return sorted(opened)


def stages_of(session: Session, batch_id: str) -> list[BatchStage]:
    """Return how far one batch has come, oldest stage first."""
    return list(
        session.scalars(select(BatchStage).where(BatchStage.batch_id == batch_id).order_by(BatchStage.finished_at))
    )
