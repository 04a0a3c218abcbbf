"""Records gone from a live table, and rows a window missed (删除与漏读核对): the table's keys against those known.

Nothing in the source says that a row was deleted; only its absence does. The same comparison shows rows that a
watermark cannot: changed with an old time, by a clock that was put back, or by a transaction nobody saw running.
It takes about 100 bytes of memory a record; a table too large for that is read with ``detect_deletes: false``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.model.contract import Contract
from jobs.extract import landing
from jobs.extract.batch_ids import digest_of
from jobs.extract.delivery import DeliveryHeldError
from jobs.extract.known_rows import ARRIVAL
from jobs.extract.register import BatchRecord, Register

MASS_DELETE, GONE_FILE = "MASS_DELETE", "gone.parquet"

MASS_SHARE = 0.2
"""Share of living records above which their disappearance is a person's to confirm."""


@dataclass(frozen=True)
class Differences:
    """Record keys on which the source and bronze disagree, each a table of one column ``_record_key``."""

    gone: pa.Table
    """Records that the source no longer has."""
    missed: pa.Table
    """Records whose present version bronze lacks, and that the window does not bring."""
    alive: int
    """Living records that bronze knows."""

    def mass_deletion(self, place: str, released: Sequence[pa.Table] = ()) -> DeliveryHeldError | None:
        """Return why the deletions must be held, or nothing when they are few.

        Args:
            place: server and table.
            released: records whose disappearance people confirmed and released; they do not count.
        """
        if without(self.gone, released).num_rows <= max(1, MASS_SHARE * self.alive):
            return None
        gone = self.gone.num_rows
        return DeliveryHeldError(
            MASS_DELETE,
            f"{gone:,} of {self.alive:,} known records are gone from the table",
            place=place,
            remedy="ask the department whether the table was emptied or filtered by mistake; if the records are truly "
            "gone, its officer confirms this and the host authority releases it (python -m catalog held), "
            "or run extract again with --allow-mass-delete",
            rows=gone,
            detail={"gone": gone, "alive": self.alive},
        )


def without(gone: pa.Table, released: Sequence[pa.Table]) -> pa.Table:
    """Return the records of ``gone`` that are in none of ``released``.

    >>> gone = pa.table({"_record_key": ["1", "2", "3"]})
    >>> without(gone, [pa.table({"_record_key": ["3", "9"]})])["_record_key"].to_pylist()
    ['1', '2']
    """
    for known in released:
        gone = gone.filter(pc.invert(pc.is_in(gone["_record_key"], value_set=known["_record_key"])))
    return gone


def hold_deletions(register: Register, record: BatchRecord, held: DeliveryHeldError, gone: pa.Table) -> str:
    """Hold deletions as a batch of their own, the same one as long as the very same records are gone; return its id.

    Landing keeps which records these are: people release them and no others.

    Args:
        register: the register of the resource.
        record: the batch of the same reading, which goes on without them.
        held: why they are held.
        gone: their record keys.
    """
    contract = register.contract
    digest = digest_of(contract.id, MASS_DELETE, *sorted(map(str, gone["_record_key"].to_pylist())))
    identifier = register.id_for(digest, record.business_date)
    known = register.batch(identifier)
    apart = BatchRecord(
        batch_id=identifier,
        kind=record.kind,
        content_sha256=digest,
        business_date=(known.business_date if known else None) or record.business_date,
        manifest={"resource": contract.id, "source": held.place},
    )
    sink = pa.BufferOutputStream()
    pq.write_table(gone, sink)
    landing.keep_bytes(contract, identifier, GONE_FILE, sink.getvalue().to_pybytes())
    register.hold(apart, held)
    return identifier


def kept_gone(contract: Contract, batch_id: str) -> pa.Table | None:
    """Return the records that a held batch would delete; None where landing does not have them."""
    path = landing.batch_folder(contract, batch_id) / GONE_FILE
    return pq.read_table(path) if path.is_file() else None


def find_differences(present: pa.Table, known: pa.Table) -> Differences:
    """Compare the records of the source with those that bronze knows.

    Args:
        present: ``_record_key``, ``_changed_at`` and ``_is_in_window`` of every row of the source.
        known: ``_record_key`` and ``_changed_at`` of every living record.
    """
    unread = present.filter(pc.invert(present["_is_in_window"])).select(known.column_names)
    missed = unread.join(known, keys=known.column_names, join_type="left anti")
    keys = present.select(["_record_key"])
    gone = known.select(["_record_key"]).join(keys, keys="_record_key", join_type="left anti")
    return Differences(_distinct(gone), _distinct(missed.select(["_record_key"])), known.num_rows)


def _distinct(keys: pa.Table) -> pa.Table:
    return pa.table({"_record_key": pc.unique(keys["_record_key"])})


def tombstones(spark: SparkSession, gone: pa.Table, earlier: DataFrame, contract: Contract) -> DataFrame:
    """Return one deletion per record key, with the contract's keys as bronze last knew them."""
    keys = list(dict.fromkeys([*contract.key, *contract.source.key]))
    last = F.max_by(F.struct(*keys, "_source_file", "_row_number"), F.col(ARRIVAL))
    lost = F.broadcast(spark.createDataFrame(gone))
    rows = earlier.where("_operation <> 'D'").join(lost, "_record_key", "left_semi")
    latest = rows.groupBy("_record_key").agg(last.alias("_last")).select("_last.*")
    return latest.withColumn("_operation", F.lit("D"))
