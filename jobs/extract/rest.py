"""Paged interfaces (服务接口): every page kept as sent, total held against what came, changes only where offered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.control.tables import Batch
from catalog.model.contract import Contract
from catalog.model.settings import get_settings
from catalog.model.source import RestSource
from catalog.model.version_order import TOLERANCE
from jobs.extract import landing
from jobs.extract.admission import account, check_count, check_not_empty
from jobs.extract.batch_ids import digest_of
from jobs.extract.bronze import landed_rows, write_batches
from jobs.extract.delivery import DeliveryHeldError, Note, Reading
from jobs.extract.header import names_of, normalise
from jobs.extract.known_rows import earlier_rows, without_unchanged
from jobs.extract.laying import abandon_unfinished
from jobs.extract.paging import TIMEOUT, Paging, SourceUnavailableError, read_list
from jobs.extract.readers.json_records import read_records
from jobs.extract.receipt import BEIJING
from jobs.extract.register import BatchRecord, Register
from jobs.extract.rows import RowSink
from jobs.runtime.spark import connect
from jobs.runtime.volume import expect_batch

OVERLAP = timedelta(minutes=10)
ASKED_AGAIN = "nothing is lost: the records are asked for again, and come in a batch of what the list says now"


def extract_pages(contract: Contract, source: RestSource, register: Register) -> None:
    """Read a paged interface into landing and bronze.

    Grain:      one row per record and version.
    Key:        ``source.key``.
    Reads:      all pages, or those of what changed since the last reading.
    Writes:     landing (the pages as sent), ``bronze.<department>__<dataset>`` (records that bronze does not know).
    Sets aside: nothing; a list that does not hold what it says is held. Absence from a list is no deletion.
    """
    place = f"{source.server}{source.path}"
    position = register.position(place) if source.since_parameter else None
    since = _since(position)
    keys = _key_names(contract)
    abandon_unfinished(contract, register, ASKED_AGAIN)
    with _client(source) as client:
        paging = read_list(client, source, since, keys, register.run.say)
    register.run.say(f"{place}: {len(paging.items):,} records on {len(paging.pages)} pages, {paging.total:,} declared")
    if since and not paging.items and not paging.total:
        register.run.say("nothing changed since the last reading")
        return
    PageIntake(contract, source, register, place, since, keys, (position or "") if since else "").take(paging)


def _since(position: str | None) -> str | None:
    """Return from when changes are asked for: a little before the newest one known, for what was committed late.

    Of a position in the future, as one record of 2099 once made it, nothing is known: the whole list is asked for.
    """
    if not position or datetime.fromisoformat(position) > datetime.now(UTC) + TOLERANCE:
        return None
    return (datetime.fromisoformat(position) - OVERLAP).isoformat()


def _client(source: RestSource) -> httpx.Client:
    token = get_settings().source_token(source.server)
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    address = get_settings().source(source.server)
    try:
        if httpx.URL(address).scheme in ("http", "https"):
            return httpx.Client(base_url=address, headers=headers, timeout=TIMEOUT)
    except (httpx.InvalidURL, ValueError):
        pass
    raise SourceUnavailableError(
        "the address of the source is none of an interface",
        place=f"SOURCE_{source.server.upper()}",
        remedy="write https://host:port",
    )


def _key_names(contract: Contract) -> list[str]:
    """Return every name under which a key column may come."""
    names = names_of(contract)
    spelled = {n for c in contract.source.key for n in (c, *contract.item(c).source_names)}
    return sorted(name for name in spelled if names.get(normalise(name)) in contract.source.key)


@dataclass
class PageIntake:
    """Takes the pages of one reading into landing and bronze."""

    contract: Contract
    source: RestSource
    register: Register
    place: str
    since: str | None
    keys: list[str]
    """Every name under which a key column may come."""
    reached: str
    """The newest change read before; empty when the whole list is asked for."""

    def take(self, paging: Paging) -> None:
        """Admit what the pages hold, hold it, or find that all of it is known."""
        payload = digest_of(*[json.dumps(item, ensure_ascii=False, sort_keys=True) for item in paging.items])
        latest = self.register.latest_accepted()
        if latest is not None and self.since is None and latest.manifest.get("payload_sha256") == payload:
            self._note_repetition(paging, payload, latest)
            return
        content = digest_of(self.contract.id, payload, latest.batch_id if latest else "")
        record = self._record(paging, payload, content)
        rows_file = self._keep(record, paging)
        reading = Reading()
        try:
            record.notes += paging.check(self.keys, self.place)
            with self._sink(record, rows_file) as sink:
                reading = read_records(paging.items, sink, self.place, changed_at=self.source.changed_at)
            check_not_empty(reading, self.place)
            check_count(paging.total, reading.records, reading.read, self.place)
        except DeliveryHeldError as held:
            record.manifest |= account(reading, paging.total)
            record.notes += reading.notes
            self.register.hold(record, held)
            rows_file.unlink(missing_ok=True)
            return
        record.received = reading.records
        record.manifest |= account(reading, paging.total)
        record.notes += [*reading.notes, *reading.rejection_notes(self.place)]
        self._lay(record, rows_file, len(reading.rejected))

    def _lay(self, record: BatchRecord, rows_file: Path, rejected: int) -> None:
        """Write the records that bronze does not know, and with their acceptance move the position."""
        newest = max(record.cursor_to or "", self.reached)
        positions = {self.place: newest} if newest and self.source.since_parameter else {}
        spark = connect()
        expect_batch(spark, self.contract, record.received)
        rows = landed_rows(spark, self.contract, [rows_file])
        if self.register.latest_accepted() is not None:
            earlier = earlier_rows(spark, self.contract, self.register.arrivals())
            rows = without_unchanged(rows, earlier, is_timed=self.source.changed_at is not None)
        rows = rows.coalesce(1).persist()
        try:
            fresh = rows.count()
            record.manifest["known_before"] = record.received - fresh
            record.notes += self._times_ahead(rows)
            if not fresh and not rejected:
                self.register.run.say(f"all {record.received:,} records are known")
                landing.discard(self.contract, record.batch_id)
                self.register.set_positions(positions.items())
                return
            self.register.receive(record)
            counts, version = write_batches(spark, rows, self.contract, {record.batch_id: fresh}, self.register.tried)
        finally:
            rows.unpersist()
        accepted = counts[record.batch_id]
        self.register.accept(record, accepted=accepted, rejected=rejected, delta_version=version, positions=positions)

    def _times_ahead(self, rows: DataFrame) -> list[Note]:
        """Return a note of new records that state a time still to come."""
        if self.source.changed_at is None:
            return []
        ahead = rows.where(F.col("_source_at") > F.lit(datetime.now(UTC) + TOLERANCE)).count()
        return [Note("SOURCE_TIME_AHEAD", self.place, count=ahead)] if ahead else []

    def _note_repetition(self, paging: Paging, payload: str, latest: Batch) -> None:
        record = self._record(paging, payload, latest.content_sha256 or "")
        record.received = len(paging.items)
        self.register.no_op(record, latest, digest_of(self.contract.id, payload, record.business_date.isoformat()))

    def _record(self, paging: Paging, payload: str, content: str) -> BatchRecord:
        business_date = get_settings().business_date
        manifest = {
            "resource": self.contract.id,
            "contract_version": self.contract.version,
            "source_file": self.place,
            "since": self.since,
            "pages": len(paging.pages),
            "payload_sha256": payload,
            "received_at": datetime.now(UTC).isoformat(),
        }
        return BatchRecord(
            batch_id=self.register.id_for(content, business_date),
            kind="pages",
            content_sha256=content,
            business_date=business_date,
            declared=paging.total,
            cursor_from=self.since,
            cursor_to=newest_change(paging.items, self.source.changed_at),
            manifest=manifest,
        )

    def _keep(self, record: BatchRecord, paging: Paging) -> Path:
        """Keep the pages as sent; return where their rows will lie."""
        for number, content in enumerate(paging.pages, 1):
            landing.keep_bytes(self.contract, record.batch_id, f"page-{number:05}.json", content)
        return landing.batch_folder(self.contract, record.batch_id) / landing.ROWS_FILE

    def _sink(self, record: BatchRecord, rows_file: Path) -> RowSink:
        return RowSink(
            rows_file,
            self.contract,
            batch_id=record.batch_id,
            source_file=self.place,
            received_at=datetime.now(UTC),
            source_at=None,
            changed_at=self.source.changed_at is not None,
        )


def newest_change(items: list[Any], name: str | None) -> str | None:
    """Return the newest time of change among records that is not still to come, as an instant; nothing without one.

    >>> newest_change([{"changed_at": "2026-03-01T08:00:00+08:00"}, {"changed_at": "2999-01-01"}], "changed_at")
    '2026-03-01T00:00:00+00:00'
    """
    found: list[datetime] = []
    for item in items if name else ():
        value = item.get(name) if isinstance(item, dict) else None
        try:
            moment = datetime.fromisoformat(str(value))
            found.append((moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)).astimezone(UTC))
        except (ValueError, OverflowError):
            continue
    now = datetime.now(UTC)
    past = [moment for moment in found if moment <= now]
    return max(past).isoformat() if past else None
