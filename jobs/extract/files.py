"""File drops (文件报送): every new file of a department's folder is admitted, held, or found to be known already."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catalog.control.tables import Batch
from catalog.model.contract import Contract
from catalog.model.settings import get_settings
from catalog.model.source import FileSource
from catalog.model.version_order import TOLERANCE
from jobs.extract import landing
from jobs.extract.admission import RECEIPT_MISSING, SHORT_DELIVERY, account, check_count, check_not_empty, check_receipt
from jobs.extract.archives import Archive
from jobs.extract.arrivals import Arrival, fingerprint_of, new_arrivals
from jobs.extract.batch_ids import digest_of
from jobs.extract.delivery import DeliveryHeldError, Note, Reading
from jobs.extract.landing import Received
from jobs.extract.laying import Admitted, abandon_unfinished, lay_admitted
from jobs.extract.readers import read_file
from jobs.extract.receipt import Receipt, read_receipt, receipt_path
from jobs.extract.register import BatchRecord, Register
from jobs.extract.rows import RowSink

GONE = (
    "the file was taken away or changed before its rows were admitted: the next run takes what lies in the folder, and "
    "`python -m jobs extract --resource <id> --batch <batch>` takes the bytes in landing"
)


def extract_files(contract: Contract, source: FileSource, register: Register) -> None:
    """Take every new file in: admit it, hold it, or record it as a repetition."""
    arrivals = new_arrivals(contract, source, register)
    if not arrivals:
        register.run.say(f"no new file matches {source.pattern}")
    intake = Intake(contract, source, register)
    admitted: list[Admitted] = []
    done: list[tuple[str, str]] = []
    for arrival in arrivals:
        taken = intake.take(arrival)
        if fingerprint_of(arrival.path) == arrival.fingerprint:
            admitted += taken
            done.append((arrival.name, arrival.fingerprint))
        else:
            register.run.say(f"{arrival.name} changed while it was read; the next run takes it")
    lay_admitted(contract, register, admitted)
    intake.note_repetitions()
    register.set_positions(done)
    abandon_unfinished(contract, register, GONE)


class Intake:
    """Takes deliveries of one file source in, up to landing."""

    def __init__(self, contract: Contract, source: FileSource, register: Register) -> None:
        self.contract = contract
        self.source = source
        self.register = register
        self.business_date = get_settings().business_date
        self._underway: set[str] = set()
        """Contents admitted in this run and not yet in bronze."""
        self._repeated: list[tuple[Received, str, Arrival | None]] = []

    def take(self, arrival: Arrival) -> list[Admitted]:
        """Take one file, or all members of an archive; return what is ready for bronze."""
        receipt: Receipt | None = None
        try:
            receipt = read_receipt(arrival.path, arrival.name)
            if self.source.archive_member is not None:
                return self._take_members(arrival, receipt)
        except DeliveryHeldError as held:
            self._take_whole(arrival, receipt, held)
            return []
        taken = self._take_whole(arrival, receipt, None)
        return [taken] if taken else []

    def take_again(self, batch: Batch, file: Path, consent: frozenset[str] = frozenset()) -> Admitted | None:
        """Admit a batch again from its bytes in landing.

        Args:
            batch: as it is in the register.
            file: its bytes.
            consent: reason codes for which it is not held again, because people released it.
        """
        sha256 = _sha256(file)
        receipt_file = file.with_name(landing.RECEIPT_FILE)
        name = str(batch.manifest.get("source_file") or file.name)
        receipt = Receipt.model_validate_json(receipt_file.read_bytes()) if receipt_file.is_file() else None
        record = self._record(Received(file, sha256, file.stat().st_size), name, receipt, batch.manifest)
        record.batch_id, record.business_date = batch.batch_id, batch.business_date or self.business_date
        record.manifest["received_at"] = batch.received_at.astimezone(UTC).isoformat()
        return self._admit(record, file, receipt, consent)

    def _take_whole(self, arrival: Arrival, receipt: Receipt | None, held: DeliveryHeldError | None) -> Admitted | None:
        """Take a file as one delivery; hold it at once when it is known that it must be."""
        changed = _made_at(arrival.path.stat().st_mtime)
        received = landing.receive(self.contract, landing.blocks_of(arrival.path), arrival.path.suffix)
        if self._is_known(received.sha256):
            received.path.unlink()
            self._repeated.append((received, arrival.name, arrival))
            return None
        more = {"fingerprint": arrival.fingerprint, "source_at": _instant(receipt, changed)}
        record = self._record(received, arrival.name, receipt, more)
        record.notes += _ahead(arrival.name, more["source_at"])
        file = landing.keep(self.contract, received, record.batch_id)
        beside = receipt_path(arrival.path)
        if beside.is_file():
            landing.keep_beside(self.contract, record.batch_id, beside, landing.RECEIPT_FILE)
        if held is not None:
            self.register.hold(record, held)
            return None
        return self._admit(record, file, receipt)

    def _is_known(self, sha256: str) -> bool:
        return sha256 in self._underway or self.register.accepted(sha256) is not None

    def _take_members(self, arrival: Arrival, receipt: Receipt | None) -> list[Admitted]:
        pattern = self.source.archive_member or "*"
        whole = Received(arrival.path, _sha256(arrival.path), arrival.path.stat().st_size)
        check_receipt(self.source, receipt, whole, arrival.name)
        admitted: list[Admitted] = []
        records = 0
        with Archive(arrival.path, pattern, arrival.name) as archive:
            for member in archive.members:
                name = f"{arrival.name}!{member.name}"
                received = landing.receive(self.contract, archive.blocks(member), Path(member.name).suffix)
                changed = _made_at(member.mtime)
                taken, count = self._take_member(received, name, _instant(receipt, changed))
                admitted += [taken] if taken else []
                records += count
            if archive.ignored and admitted:
                note = Note("MEMBER_IGNORED", arrival.name, {"members": archive.ignored[:50]}, len(archive.ignored))
                admitted[0].record.notes.append(note)
        return self._without_short_archive(admitted, receipt, records, arrival.name)

    def _take_member(self, received: Received, name: str, source_at: str) -> tuple[Admitted | None, int]:
        """Take one member; return it with its number of records, also when an earlier run accepted it."""
        if self._is_known(received.sha256):
            received.path.unlink()
            self._repeated.append((received, name, None))
            earlier = self.register.accepted(received.sha256)
            return None, (earlier.received_rows or 0) if earlier else 0
        record = self._record(received, name, None, {"source_at": source_at, "is_member": True})
        record.notes += _ahead(name, source_at)
        taken = self._admit(record, landing.keep(self.contract, received, record.batch_id), None)
        return taken, taken.reading.records if taken else record.received

    def _without_short_archive(
        self, admitted: list[Admitted], receipt: Receipt | None, records: int, name: str
    ) -> list[Admitted]:
        """Hold every new member when an archive's receipt declares another number of records than it has."""
        if receipt is None or receipt.rows == records:
            return admitted
        for taken in admitted:
            try:
                check_count(receipt.rows, records, taken.reading.read, name)
            except DeliveryHeldError as held:
                self.register.hold(taken.record, held)
        return []

    def _admit(
        self, record: BatchRecord, file: Path, receipt: Receipt | None, consent: frozenset[str] = frozenset()
    ) -> Admitted | None:
        """Read a delivery into landing's rows and check it; return nothing when it is held."""
        manifest = record.manifest
        name, is_member = str(manifest["source_file"]), bool(manifest.get("is_member"))
        self.register.receive(record)
        rows_file = file.with_name(landing.ROWS_FILE)
        reading = Reading()
        try:
            if not is_member and not (receipt is None and RECEIPT_MISSING in consent):
                check_receipt(self.source, receipt, Received(file, record.content_sha256, 0), name)
            source_at = manifest.get("source_at")
            with RowSink(
                rows_file,
                self.contract,
                batch_id=record.batch_id,
                source_file=name,
                received_at=record.received_at,
                source_at=datetime.fromisoformat(str(source_at)) if source_at else None,
            ) as sink:
                reading = read_file(file, self.source, sink, name)
            check_not_empty(reading, name)
            if SHORT_DELIVERY not in consent:
                check_count(receipt.rows if receipt else None, reading.records, reading.read, name)
        except DeliveryHeldError as held:
            rows_file.unlink(missing_ok=True)
            manifest |= account(reading, record.declared)
            record.notes += reading.notes
            self.register.hold(record, held)
            return None
        record.received = reading.records
        manifest |= account(reading, record.declared)
        record.notes += [*reading.notes, *reading.rejection_notes(name)]
        self._underway.add(record.content_sha256)
        self.register.run.say(f"read {name}: {reading.read:,} rows, {reading.accepted:,} admitted")
        return Admitted(record, reading, rows_file)

    def note_repetitions(self) -> None:
        """Record the files and members that came again; their bytes already lie in landing.

        The very file that an earlier run accepted without coming to its end is no repetition, and neither is one
        whose receipt came after it.
        """
        for received, name, arrival in self._repeated:
            earlier = self.register.accepted(received.sha256)
            if earlier is None:
                continue
            fingerprint = arrival.fingerprint if arrival else ""
            known = str(earlier.manifest.get("fingerprint", ""))
            if earlier.manifest.get("source_file") == name and known.split("/")[0] == fingerprint.split("/")[0]:
                self._check_late_receipt(arrival, earlier)
                continue
            record = self._record(received, name, None, {"fingerprint": fingerprint} if arrival else {})
            record.received = earlier.received_rows or 0
            self.register.no_op(record, earlier, digest_of(received.sha256, name, fingerprint))
        self._repeated.clear()

    def _check_late_receipt(self, arrival: Arrival | None, earlier: Batch) -> None:
        """Note a receipt that came after its file was accepted and does not fit it."""
        receipt = read_receipt(arrival.path, arrival.name) if arrival else None
        if arrival and receipt and receipt.rows != earlier.received_rows:
            detail = {"declared": receipt.rows, "received": earlier.received_rows}
            self.register.note(earlier.batch_id, Note("RECEIPT_LATE_AND_DIFFERENT", arrival.name, detail))

    def _record(self, received: Received, name: str, receipt: Receipt | None, more: dict[str, Any]) -> BatchRecord:
        manifest: dict[str, Any] = {
            **{key: more[key] for key in ("fingerprint", "source_at", "is_member") if key in more},
            "resource": self.contract.id,
            "contract_version": self.contract.version,
            "source_file": name,
            "size": received.size,
            "sha256": received.sha256,
            "received_at": datetime.now(UTC).isoformat(),
            "receipt": receipt.model_dump(mode="json") if receipt else None,
        }
        return BatchRecord(
            batch_id=self.register.id_for(received.sha256, self.business_date),
            kind="file",
            content_sha256=received.sha256,
            business_date=self.business_date,
            declared=receipt.rows if receipt else None,
            manifest=manifest,
        )


def _instant(receipt: Receipt | None, changed: datetime) -> str:
    """Return when the sender says it sent, else when the file was last changed."""
    return (receipt.sent_at if receipt and receipt.sent_at else changed).isoformat()


def _made_at(seconds: float) -> datetime:
    """Return the time of a file; one that no calendar has tells nothing, and the present stands for it."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.now(UTC)


def _ahead(name: str, source_at: str) -> list[Note]:
    """Return a note of a delivery that says it was made at a time still to come."""
    is_ahead = datetime.fromisoformat(source_at) > datetime.now(UTC) + TOLERANCE
    return [Note("SOURCE_TIME_AHEAD", name, {"source_at": source_at})] if is_ahead else []


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    for block in landing.blocks_of(path):
        digest.update(block)
    return digest.hexdigest()
