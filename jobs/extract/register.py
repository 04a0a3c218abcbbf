"""What the control plane is told about batches (批次登记): received, accepted, held, no-op, each with its ledger line.

Order of writes: received → bronze → ledger → accepted with findings and position, the last in one transaction. A
command that dies in between finds the batch as received and does the same work again under the same id, or, where the
source cannot be asked for the same again, ends it as abandoned.

Invariant: what was accepted stays accepted. A replay takes the place of its rows when it is accepted again; until then,
and when it is held, register, ledger and rows say what they said.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import chain, count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.batch_orders import accepted_batches
from catalog.control.batches import find_batch, finish_stage, register_batch
from catalog.control.findings import record_finding
from catalog.control.held_deliveries import apply_rejections, note_applied, released
from catalog.control.ledger import record_ledger
from catalog.control.masking import mask_text
from catalog.control.positions import get_position, set_position
from catalog.control.session import in_transaction
from catalog.control.tables import Batch
from catalog.model.contract import Contract
from catalog.model.errors import GuantongError
from catalog.model.layers import bronze_of
from catalog.model.settings import get_settings
from jobs.extract import landing
from jobs.extract.batch_ids import batch_id, digest_of
from jobs.extract.delivery import DeliveryHeldError, Note
from jobs.runtime.stage import StageRun

STAGE = "extract"
ABANDONED = "BATCH_ABANDONED"
CLOSED = ("rejected", "no_op")
"""States that a delivery which was held ends in without having been accepted."""


class ReplayHeldError(GuantongError):
    """A batch that was accepted before was read again and would have to be held; it stays as it was accepted."""

    code = "REPLAY_HELD"


@dataclass
class BatchRecord:
    """One batch as it goes into the register and its manifest."""

    batch_id: str
    kind: str
    content_sha256: str
    business_date: date
    declared: int | None = None
    received: int = 0
    cursor_from: str | None = None
    cursor_to: str | None = None
    manifest: dict[str, Any] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When it first came, also when it is read again."""


class Register:
    """The register of one resource during one run."""

    def __init__(self, contract: Contract, run: StageRun) -> None:
        self.contract = contract
        self.run = run
        self.consumer = f"{STAGE}.{contract.id}"
        self.tried: set[str] = set()
        """Batches received in this run that were on record before: bronze may hold rows of an earlier try."""

    def position(self, source: str) -> str | None:
        """Return how far ``source`` was read."""
        return in_transaction(lambda session: get_position(session, self.consumer, source))

    def batch(self, batch: str) -> Batch | None:
        """Return a batch of this resource by its id."""
        return self._first(Batch.batch_id == batch)

    def accepted(self, content_sha256: str) -> Batch | None:
        """Return the accepted batch with this content."""
        return self._first(Batch.content_sha256 == content_sha256, Batch.status == "accepted")

    def latest_accepted(self) -> Batch | None:
        """Return the batch accepted last."""
        return self._first(Batch.status == "accepted")

    def arrivals(self, is_counted: Callable[[Batch], bool] = lambda _: True) -> dict[str, int]:
        """Return the accepted batches, or those of them that count, with their arrival numbers."""
        accepted = in_transaction(lambda session: accepted_batches(session, self.contract))
        return {batch.batch_id: batch.arrival for batch in accepted if is_counted(batch)}

    def unfinished(self) -> Batch | None:
        """Return a batch that an earlier command began and did not end."""
        return self._first(Batch.status == "received")

    def abandon(self, remedy: str, *, but: str = "") -> list[str]:
        """Hold the batches that an earlier command began and that will not be ended; return their ids.

        Args:
            remedy: what becomes of their rows.
            but: a batch that is being done again.
        """
        begun = self._query(Batch.status == "received", Batch.batch_id != but)
        for batch in begun:
            message = "an earlier command began this batch and did not come to its end"
            held = DeliveryHeldError(ABANDONED, message, place=self.contract.id, remedy=remedy)
            self.hold(record_of(batch), held)
        return [batch.batch_id for batch in begun]

    def id_for(self, content_sha256: str, business_date: date) -> str:
        """Return the id of the batch with this content: that of an earlier try, else a new one.

        What people have closed stays closed: the same content that comes after that is another delivery.
        """
        earlier = self._first(Batch.content_sha256 == content_sha256, Batch.status.in_(("received", "held")))
        return earlier.batch_id if earlier else self._free_id(content_sha256, business_date, content_sha256, CLOSED)

    def _free_id(self, digest: str, business_date: date, content_sha256: str, closed: Collection[str] = ()) -> str:
        """Return a batch id that no other content or closed batch has: longer, should eight digits coincide."""
        made = batch_id(self.contract.name, business_date, digest)
        longer = (f"{made}{digest_of(digest, str(number))[:16]}" for number in count(1))
        return next(
            identifier
            for identifier in chain([made, f"{made}{digest[8:24]}"], longer)
            if self._is_free(identifier, content_sha256, closed)
        )

    def _is_free(self, identifier: str, content_sha256: str, closed: Collection[str]) -> bool:
        taken = in_transaction(lambda session: find_batch(session, identifier))
        if taken is None:
            return True
        is_same = taken.resource == self.contract.id and taken.content_sha256 == content_sha256
        return is_same and taken.status not in closed

    def _first(self, *conditions: Any) -> Batch | None:  # noqa: ANN401 - SQLAlchemy's own clause types
        return next(iter(self._query(*conditions, limit=1)), None)

    def _query(self, *conditions: Any, limit: int | None = None) -> list[Batch]:  # noqa: ANN401 - as above
        """Return batches of the resource, the one that arrived last first."""
        query = select(Batch).where(Batch.resource == self.contract.id, *conditions)
        newest = query.order_by(Batch.arrival.desc(), Batch.batch_id.desc()).limit(limit)
        return in_transaction(lambda session: list(session.scalars(newest)))

    def receive(self, record: BatchRecord) -> None:
        """Record that a batch is being worked on; none has rows in bronze before it is on record."""

        def write(session: Session) -> tuple[bool, datetime]:
            known = find_batch(session, record.batch_id)
            if known is not None and known.status == "accepted":
                return True, known.received_at
            self._write(session, record, "received")
            return known is not None, session.get_one(Batch, record.batch_id).received_at

        was_known, record.received_at = self.run.transaction(write)
        if was_known:
            self.tried.add(record.batch_id)

    def close_rejected(self) -> None:
        """End the held deliveries that their department took back; the ledger has their rows as rejected."""
        for closed in self.run.transaction(lambda session: apply_rejections(session, self.contract.id)):
            self.run.say(f"closed {closed}: its department took it back")

    def released(self) -> list[tuple[Batch, frozenset[str]]]:
        """Return the deliveries that people have released and that wait to be taken up, each with the reasons."""
        return in_transaction(lambda session: released(session, self.contract.id))

    def accept(
        self,
        record: BatchRecord,
        *,
        accepted: int,
        rejected: int = 0,
        delta_version: int | None = None,
        positions: Mapping[str, str] | None = None,
        consented: Collection[Batch] = (),
    ) -> None:
        """Record that the rows of a batch are in bronze, and how far its source is read by now.

        Args:
            record: the batch.
            accepted: its rows in bronze.
            rejected: its rows that are in none.
            delta_version: version of bronze that has them.
            positions: source → how far it is read.
            consented: held deliveries whose rows came with this batch, after people released them.
        """
        record.manifest |= {"accepted": accepted, "rejected": rejected, "status": "accepted"}
        landing.write_manifest(self.contract, record.batch_id, record.manifest)
        self.run.ledger(
            bronze_of(self.contract).name,
            record.batch_id,
            read=accepted + rejected,
            accepted=accepted,
            rejected=rejected,
        )

        def write(session: Session) -> None:
            self._write(session, record, "accepted")
            finish_stage(session, record.batch_id, STAGE, self.contract.id, delta_version=delta_version)
            note_applied(session, session.get_one(Batch, record.batch_id), "release", record.batch_id)
            for held in consented:
                self._end_released(session, held.batch_id, record.batch_id, f"its rows came with {record.batch_id}")
            for source, position in (positions or {}).items():
                set_position(session, self.consumer, source, position)

        self.run.transaction(write)
        for note in record.notes:
            self.run.say(f"{record.batch_id}: {note.code} ×{note.count} {note.place}")

    def end_unneeded(self, batch_ids: Collection[str]) -> None:
        """End released deletions none of whose records is gone any more, so that the release serves no later ones."""

        def write(session: Session) -> None:
            for each in batch_ids:
                self._end_released(session, each, each, "its records are at the source again")

        if batch_ids:
            self.run.transaction(write)
            self.run.say(f"closed {', '.join(batch_ids)}: released, and the records are at the source again")

    def _end_released(self, session: Session, batch_id: str, applied_in: str, why: str) -> None:
        """End a released delivery that has no rows of its own in bronze; the ledger counts none for it."""
        ended = session.get_one(Batch, batch_id)
        note_applied(session, ended, "release", applied_in)
        record_ledger(
            session,
            resource=self.contract.id,
            stage=STAGE,
            table_name=bronze_of(self.contract).name,
            batch_id=batch_id,
            read=0,
            accepted=0,
        )
        ended.status, ended.reason = "no_op", f"released; {why}"

    def hold(self, record: BatchRecord, held: DeliveryHeldError) -> None:
        """Record that a batch is held with its file, for which reason, and what to do; all its rows are rejected.

        Raises:
            ReplayHeldError: when it was accepted before; nothing but a finding is recorded then.
        """
        known = self.batch(record.batch_id)
        if known is not None and known.status == "accepted":
            raise self._unheld(known, held)
        record.received = held.rows
        record.manifest |= {"accepted": 0, "rejected": held.rows, "status": "held", "held_for": held.code}
        record.manifest |= {"reason": mask_text(held.message), "remedy": held.remedy}
        record.notes = [*record.notes, Note(held.code, held.place, held.detail, max(held.rows, 1))]
        self._end(record, "held", held.code, held.message, held.rows)
        self.run.say(f"HELD {record.batch_id}: {held.code} {mask_text(held.message)}")
        self.run.say(f"     where: {held.place}; remedy: {held.remedy}")

    def _unheld(self, accepted: Batch, held: DeliveryHeldError) -> ReplayHeldError:
        """Note that a replay would have been held, and return the error that says so."""
        reason = mask_text(held.message)
        detail = {"held_for": held.code, "reason": reason, "remedy": held.remedy}
        self.note(accepted.batch_id, Note(ReplayHeldError.code, held.place, detail, max(held.rows, 1)))
        return ReplayHeldError(
            f"{accepted.batch_id} was accepted before and stays so; read again, it is held for {held.code}: {reason}",
            place=held.place,
            remedy=f"{held.remedy}; if the accepted rows are wrong, a delivery of the department mends them",
        )

    def no_op(self, record: BatchRecord, earlier: Batch, digest: str) -> None:
        """Record that the same content came again; its rows are counted where they were accepted.

        Args:
            record: the repeated delivery.
            earlier: the batch that was accepted with this content.
            digest: what tells this repetition from others; its batch id follows from it.
        """
        record.batch_id = self._free_id(digest, record.business_date, record.content_sha256)
        message = f"the same content as {earlier.batch_id}, accepted before"
        record.manifest |= {"accepted": 0, "status": "no_op", "same_as": earlier.batch_id}
        place = str(record.manifest.get("source_file", ""))
        note = Note("DUPLICATE_DELIVERY", place, {"same_as": earlier.batch_id}, record.received)
        record.notes = [*record.notes, note]
        self._end(record, "no_op", "DUPLICATE_DELIVERY", message, 0)
        self.run.say(f"no-op {record.batch_id}: {message}")

    def _end(self, record: BatchRecord, status: str, code: str, reason: str, rejected: int) -> None:
        landing.write_manifest(self.contract, record.batch_id, record.manifest)
        table = bronze_of(self.contract).name
        self.run.ledger(table, record.batch_id, read=rejected, accepted=0, rejected=rejected)
        self.run.transaction(lambda session: self._write(session, record, status, code, mask_text(reason)))

    def note(self, batch_id: str, note: Note) -> None:
        """Record a finding about a batch that is dealt with."""
        self.run.transaction(lambda session: self._find(session, batch_id, note))
        self.run.say(f"{batch_id}: {note.code} {note.place}")

    def set_positions(self, positions: Iterable[tuple[str, str]]) -> None:
        """Record sources that are dealt with."""

        def write(session: Session) -> None:
            for source, position in positions:
                set_position(session, self.consumer, source, position)

        self.run.transaction(write)

    def _write(
        self, session: Session, record: BatchRecord, status: str, code: str | None = None, reason: str | None = None
    ) -> None:
        register_batch(
            session,
            batch_id=record.batch_id,
            resource=self.contract.id,
            source=self.contract.source.server,
            dataset=self.contract.name,
            kind=record.kind,
            status=status,
            business_date=record.business_date,
            reason_code=code,
            reason=reason,
            declared_rows=record.declared,
            received_rows=record.received,
            content_sha256=record.content_sha256,
            cursor_from=record.cursor_from,
            cursor_to=record.cursor_to,
            location=landing.location_of(self.contract, record.batch_id),
            manifest=record.manifest,
        )
        for note in record.notes:
            self._find(session, record.batch_id, note)

    def _find(self, session: Session, batch_id: str, note: Note) -> None:
        record_finding(
            session,
            resource=self.contract.id,
            batch_id=batch_id,
            reason_code=note.code,
            place=note.place,
            detail=note.detail,
            count=note.count,
        )


def record_of(batch: Batch) -> BatchRecord:
    """Return what the register knows of a batch, to be written again."""
    return BatchRecord(
        batch_id=batch.batch_id,
        kind=batch.kind,
        content_sha256=batch.content_sha256 or "",
        business_date=batch.business_date or get_settings().business_date,
        declared=batch.declared_rows,
        received=batch.received_rows or 0,
        cursor_from=batch.cursor_from,
        cursor_to=batch.cursor_to,
        manifest=dict(batch.manifest),
        received_at=batch.received_at,
    )
