"""Department databases (数据库): one window of a table, read in one snapshot, straight into bronze."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

import pyarrow as pa
from psycopg import sql
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.control.tables import Batch
from catalog.model.contract import Contract
from catalog.model.layers import bronze_of
from catalog.model.settings import get_settings
from catalog.model.source import DatabaseSource, FeedSource, FullSource, WatermarkSource
from catalog.model.version_order import TOLERANCE
from jobs.extract.batch_ids import digest_of
from jobs.extract.bronze import as_bronze, with_drawn_ids, write_batches
from jobs.extract.delivery import DeliveryHeldError, Note
from jobs.extract.feed import FeedReading, in_generation, plan_feed
from jobs.extract.feed_position import FeedPosition
from jobs.extract.known_records import keep_records, known_records, present_records, repeated_keys
from jobs.extract.known_rows import earlier_rows, without_same_cursor, without_unchanged
from jobs.extract.laying import abandon_unfinished
from jobs.extract.marks import Position
from jobs.extract.register import BatchRecord, Register
from jobs.extract.snapshot import Snapshot, open_snapshot, read_jdbc
from jobs.extract.source_table import SourceTable, describe
from jobs.extract.vanished import MASS_DELETE, find_differences, hold_deletions, kept_gone, tombstones, without
from jobs.extract.windows import (
    Window,
    cut_of,
    record_query,
    repeated_records,
    row_query,
    times_ahead,
    unknown_operations,
    window_of,
)
from jobs.runtime import delta
from jobs.runtime.spark import connect
from jobs.runtime.staging import staged
from jobs.runtime.volume import expect_batch

READ_AGAIN = "nothing is lost: the next run reads its rows again from the table, under another batch"
KINDS = {"feed": "feed", "watermark": "incremental", "full": "full"}


@dataclass(frozen=True)
class Consent:
    """What a person allows one run, having asked the department."""

    mass_delete: bool = False
    """More than a fifth of the records may vanish."""
    feed_restarted: bool = False
    """The feed was loaded anew: it is read whole, as newer than all before."""


def extract_database(contract: Contract, source: DatabaseSource, register: Register, consent: Consent) -> None:
    """Read what is new in a department's table into bronze.

    Grain:      one row per row version (watermark, full) or feed row.
    Key:        ``source.key``; a feed row by its cursor.
    Reads:      the department's table, in one snapshot.
    Writes:     ``bronze.<department>__<dataset>``, which is also the landing of databases: no second copy is kept.
    Sets aside: nothing; a feed with an unknown operation is held, and so are mass deletions.
    """
    with open_snapshot(get_settings().source(source.server)) as snapshot:
        table = describe(snapshot, contract, source)
        place = f"{source.server}.{table.label}"
        position, feed = Position(), None
        if isinstance(source, FeedSource):
            known = FeedPosition.from_json(register.position(place))
            feed = plan_feed(snapshot, table, source, known, restarted=consent.feed_restarted)
            window = feed.window
        else:
            position = Position.from_json(register.position(place))
            window = window_of(snapshot, table, source, position)
        count = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(table.identifier, window.condition)
        declared = int(str(snapshot.value(count)))
        reading = TableReading(contract, source, register, snapshot, table, place, position, feed, window, declared)
        reading.run(consent)


@dataclass
class TableReading:
    """One run over one table of a department."""

    contract: Contract
    source: DatabaseSource
    register: Register
    snapshot: Snapshot
    table: SourceTable
    place: str
    """Server and table: the name of the position."""
    position: Position
    """How far a live table was read."""
    feed: FeedReading | None
    """What is read of a change feed."""
    window: Window
    declared: int
    """Rows of the window, counted in the snapshot."""
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    consented: list[Batch] = field(default_factory=list)
    """Held deletions that people released and that this reading brings."""
    agrees: bool = True
    """Whether bronze knows every record of the source, once this reading is written."""

    @cached_property
    def present(self) -> pa.Table | None:
        """All records of the source in this snapshot; nothing where deletions are told, or not looked for."""
        if isinstance(self.source, FeedSource) or not self.source.detect_deletes:
            return None
        query = record_query(self.table, self.source, self.contract.source.key, self.window.condition)
        return present_records(self.snapshot, query)

    def run(self, consent: Consent) -> None:
        """Read the window, find what vanished, write one batch, move the position."""
        record = self._record()
        abandon_unfinished(self.contract, self.register, READ_AGAIN, but=record.batch_id)
        held = self._held_for_operations()
        if held is not None:
            self.register.hold(record, held)
            return
        spark = connect()
        expect_batch(spark, self.contract, self.declared)
        if self.register.latest_accepted() is None:
            if self.declared:
                record.notes += self._noted()
                self._write(spark, self._rows(spark, record.batch_id, self.window.condition), record, self.declared)
            else:
                self.register.run.say(f"{self.place} is empty")
            return
        earlier = earlier_rows(spark, self.contract, self.register.arrivals(self._is_comparable(record)))
        fresh = self._fresh(self._rows(spark, record.batch_id, self.window.condition), earlier)
        whole = self._with_differences(spark, fresh, earlier, record, consent)
        with staged(spark, whole, self.register.run, "arrived") as rows:
            arrived = rows.count()
            if arrived:
                record.notes += self._noted(rows)
                self._write(spark, rows, record, arrived)
            else:
                self.register.run.say(f"nothing new in {self.place} ({self.declared:,} rows of the overlap are known)")
                abandon_unfinished(self.contract, self.register, READ_AGAIN)
                self.register.set_positions([(self.place, self._advanced(record))])

    def _record(self) -> BatchRecord:
        """Return the batch of this run; one that an earlier command began and did not end is done again as it was."""
        begun = self.register.unfinished()
        business_date = get_settings().business_date
        latest = self.register.latest_accepted()
        after = latest.batch_id if latest else ""
        digest = digest_of(self.contract.id, self.window.begins, self.window.ends, after)
        if begun is not None and self._is_same_work(begun) and begun.business_date and begun.content_sha256:
            identifier, digest, business_date = begun.batch_id, begun.content_sha256, begun.business_date
        else:
            identifier = self.register.id_for(digest, business_date)
        manifest = {
            "resource": self.contract.id,
            "contract_version": self.contract.version,
            "source": self.place,
            "cursor_from": self.window.begins,
            "cursor_to": self.window.ends,
            "snapshot_at": self.snapshot.taken_at.isoformat(),
            "window_rows": self.declared,
            "columns_unread": self.table.unread,
        }
        notes: list[Note] = []
        if self.feed is not None:
            notes += self.feed.notes
            generation = self.feed.generation(identifier)
            manifest |= {"generation_batch": generation} if generation else {}
        return BatchRecord(
            batch_id=identifier,
            kind=KINDS[self.source.kind],
            content_sha256=digest,
            business_date=business_date,
            cursor_from=self.window.begins,
            cursor_to=self.window.ends,
            manifest=manifest,
            notes=notes,
        )

    def _is_same_work(self, begun: Batch) -> bool:
        """Tell whether an unfinished batch reads on from where this run does, in the same generation of a feed."""
        if self.feed is not None and begun.manifest.get("generation_batch") != (
            self.feed.generation(begun.batch_id) or None
        ):
            return False
        return begun.cursor_from == self.window.begins

    def _is_comparable(self, record: BatchRecord) -> Callable[[Batch], bool]:
        """Return which batches hold rows that this one could repeat: of a feed, those of the same generation."""
        generation = record.manifest.get("generation_batch")
        return lambda batch: batch.manifest.get("generation_batch") == generation

    def _held_for_operations(self) -> DeliveryHeldError | None:
        """Return why a feed is held: an operation that is neither insert, update nor delete is never guessed at."""
        if not isinstance(self.source, FeedSource) or not self.declared:
            return None
        query = unknown_operations(self.table, self.source, self.window.condition)
        [(count, first, last)] = self.snapshot.rows(query)
        if not count:
            return None
        return DeliveryHeldError(
            "OPERATION_UNKNOWN",
            f"{count} rows have a {self.source.operation} that is none of I, U, D",
            place=f"{self.place}, {self.source.cursor} {first} to {last}",
            remedy="ask the department to correct them; the position stands, and the next run reads them again",
            rows=self.declared,
            detail={"rows": count, "first": first, "last": last},
        )

    def _noted(self, fresh: DataFrame | None = None) -> list[Note]:
        """Return what is to be noted of a batch: times still to come, and records that stand on several rows.

        Args:
            fresh: the new rows; not given when all of the window is new.
        """
        notes: list[Note] = []
        if self.source.changed_at:
            until = self.snapshot.taken_at + TOLERANCE
            query = times_ahead(self.table, self.source.changed_at, self.window.condition, until)
            ahead = int(str(self.snapshot.value(query)))
            if ahead and fresh is not None:
                ahead = fresh.where(F.col("_source_at") > F.lit(until)).count()
            notes += [Note("SOURCE_TIME_AHEAD", self.place, count=ahead)] if ahead else []
        repeated = self._repeated()
        return notes + ([Note("RECORD_REPEATED", self.place, {"keys": repeated}, repeated)] if repeated else [])

    def _repeated(self) -> int:
        """Return how many records of a live table stand on more than one row in this snapshot."""
        if isinstance(self.source, FeedSource):
            return 0
        if self.present is not None:
            return repeated_keys(self.present)
        query = repeated_records(self.table, self.contract.source.key, self.window.condition)
        return int(str(self.snapshot.value(query)))

    def _rows(self, spark: SparkSession, identifier: str, condition: sql.Composable) -> DataFrame:
        """Return rows of the table as bronze rows of a batch."""
        query = row_query(self.table, self.source, condition)
        cut = cut_of(self.snapshot, self.table, self.source, condition, self.declared)
        return self._stamped(read_jdbc(spark, self.snapshot, query, cut), identifier)

    def _stamped(self, rows: DataFrame, identifier: str) -> DataFrame:
        stamps = {
            "_batch_id": F.lit(identifier),
            "_source": F.lit(self.source.server),
            "_received_at": F.lit(self.received_at),
        }
        absent = {c: F.lit(None).cast("string") for c in self.contract.raw_columns if c not in rows.columns}
        if "_source_at" not in rows.columns:
            absent["_source_at"] = F.lit(self.snapshot.taken_at)
        absent["_row_id"] = F.lit(None).cast("bigint")
        return as_bronze(rows.withColumns(stamps | absent), self.contract)

    def _fresh(self, rows: DataFrame, earlier: DataFrame) -> DataFrame:
        """Return the rows of the window that bronze does not know yet."""
        begins = self.window.begins
        if isinstance(self.source, FeedSource):
            return without_same_cursor(rows, earlier, self.window.above)
        if isinstance(self.source, FullSource):
            return without_unchanged(rows, earlier)
        if begins:
            since = F.lit(datetime.fromisoformat(begins))
            earlier = earlier.where(F.col("_source_at").isNull() | (F.col("_source_at") >= since))
        return without_unchanged(rows, earlier, is_timed=True)

    def _with_differences(
        self, spark: SparkSession, fresh: DataFrame, earlier: DataFrame, record: BatchRecord, consent: Consent
    ) -> DataFrame:
        """Return the fresh rows with deletions of what vanished and with rows that no window saw."""
        if self.present is None:
            return fresh
        version = delta.current_version(spark, bronze_of(self.contract))
        differences = find_differences(self.present, known_records(self.contract, earlier, version))
        released = self._released(differences.gone)
        held = differences.mass_deletion(self.place, list(released.values()))
        if held is not None and not consent.mass_delete:
            self.agrees = False
            hold_deletions(self.register, record, held, differences.gone)
        elif differences.gone.num_rows:
            record.manifest["deleted"] = differences.gone.num_rows
            gone = tombstones(spark, differences.gone, earlier, self.contract)
            fresh = fresh.unionByName(self._stamped(gone, record.batch_id))
            waiting = {batch.batch_id: batch for batch, _ in self.register.released()}
            self.consented = [waiting[batch_id] for batch_id in released]
        if differences.missed.num_rows and isinstance(self.source, WatermarkSource):
            record.notes.append(Note("MISSED_ROWS_RECOVERED", self.place, count=differences.missed.num_rows))
            every = self._rows(spark, record.batch_id, sql.SQL("true"))
            lacking = spark.createDataFrame(differences.missed)
            missed = every.join(F.broadcast(lacking), "_record_key", "left_semi").select(*every.columns)
            fresh = fresh.unionByName(without_unchanged(missed, earlier, is_timed=True))
        return fresh

    def _released(self, gone: pa.Table) -> dict[str, pa.Table]:
        """Return held batch → the records whose disappearance people released with it; end those that are back."""
        batches = [batch.batch_id for batch, _ in self.register.released() if batch.reason_code == MASS_DELETE]
        found = {batch_id: kept_gone(self.contract, batch_id) for batch_id in batches}
        known = {batch_id: keys for batch_id, keys in found.items() if keys is not None}
        back = [batch_id for batch_id, keys in known.items() if without(gone, [keys]).num_rows == gone.num_rows]
        self.register.end_unneeded(back)
        return {batch_id: keys for batch_id, keys in known.items() if batch_id not in back}

    def _advanced(self, record: BatchRecord) -> str:
        if self.feed is not None:
            return in_generation(self.feed, record.batch_id).to_json()
        snapshot = self.snapshot
        return self.position.advance(snapshot.running_from, snapshot.next_number, self.window.ends).to_json()

    def _write(self, spark: SparkSession, rows: DataFrame, record: BatchRecord, expected: int) -> None:
        """Write the batch, and with its acceptance move the position."""
        record.declared = record.received = expected
        record.manifest |= {"declared": expected, "received": expected}
        self.register.receive(record)
        self.register.run.say(f"writing {expected:,} rows of {self.place}")
        rows = with_drawn_ids(rows)
        counts, version = write_batches(spark, rows, self.contract, {record.batch_id: expected}, self.register.tried)
        accepted = counts[record.batch_id]
        self.register.accept(
            record,
            accepted=accepted,
            delta_version=version,
            positions={self.place: self._advanced(record)},
            consented=self.consented,
        )
        if self.present is not None and self.agrees:
            keep_records(self.contract, self.present, version)
