"""Records gone from a live table, and rows a window missed (删除与漏读核对): the table's keys against bronze's.

Nothing in the source says that a row was deleted; only its absence does. The same comparison shows rows that a
watermark cannot: changed with an old time, by a clock that was put back, or by a transaction nobody saw running.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.model.contract import Contract
from jobs.extract.bronze import record_key
from jobs.extract.delivery import DeliveryHeldError
from jobs.extract.known_rows import record_states

MASS_SHARE = 0.2
"""Share of living records above which their disappearance is a person's to confirm."""


@dataclass
class Differences:
    """Record keys on which the source and bronze disagree."""

    frame: DataFrame
    """``_record_key``, ``_kind`` (gone, new or stale), ``_is_brought`` (by the window anyhow)."""
    gone: int
    missed: int
    alive: int
    """Living records that bronze knows."""

    def gone_keys(self) -> DataFrame:
        """Return the keys of records that the source no longer has."""
        return self.frame.where("_kind = 'gone'").select("_record_key")

    def missed_keys(self) -> DataFrame:
        """Return the keys of records that the window does not bring, though bronze lacks their present version."""
        return self.frame.where("_kind <> 'gone' AND NOT _is_brought").select("_record_key")

    def mass_deletion(self, place: str) -> DeliveryHeldError | None:
        """Return why the deletions must be held, or nothing when they are few."""
        if self.gone <= max(1, MASS_SHARE * self.alive):
            return None
        return DeliveryHeldError(
            "MASS_DELETE",
            f"{self.gone:,} of {self.alive:,} known records are gone from the table",
            place=place,
            remedy="ask the department whether the table was emptied or filtered by mistake; if the records are truly "
            "gone, run extract again with --allow-mass-delete",
            rows=self.gone,
            detail={"gone": self.gone, "alive": self.alive},
        )


def find_differences(
    source_keys: DataFrame, source_rows: int, earlier: DataFrame, window: DataFrame, contract: Contract
) -> Differences:
    """Compare all keys of the source with the records that bronze knows.

    Args:
        source_keys: the key columns and ``_changed_at`` of every row of the table.
        source_rows: how many they are.
        earlier: bronze rows of other batches.
        window: rows that this run brings anyhow.
        contract: the resource.
    """
    present = source_keys.select(record_key(contract).alias("_record_key"), "_changed_at", F.lit(True).alias("_here"))
    both = present.join(record_states(earlier), "_record_key", "full_outer")
    is_alive = F.coalesce("_is_alive", F.lit(False))
    is_here = F.coalesce("_here", F.lit(False))
    is_stale = ~F.col("_changed_at").eqNullSafe(F.col("_seen_change"))
    kind = F.when(is_alive & ~is_here, "gone").when(is_here & ~is_alive, "new").when(is_here & is_stale, "stale")
    apart = both.select("_record_key", kind.alias("_kind")).where("_kind IS NOT NULL")
    brought = window.select("_record_key", F.lit(True).alias("_is_brought")).distinct()
    joined = apart.join(brought, "_record_key", "left")
    frame = joined.withColumn("_is_brought", F.coalesce("_is_brought", F.lit(False))).persist()
    counts = {
        (r["_kind"], r["_is_brought"]): r["count"] for r in frame.groupBy("_kind", "_is_brought").count().collect()
    }
    gone = counts.get(("gone", False), 0) + counts.get(("gone", True), 0)
    new = counts.get(("new", False), 0) + counts.get(("new", True), 0)
    missed = counts.get(("new", False), 0) + counts.get(("stale", False), 0)
    return Differences(frame, gone, missed, source_rows - new + gone)


def tombstones(gone: DataFrame, earlier: DataFrame, contract: Contract) -> DataFrame:
    """Return one deletion per record key, with the contract's keys as bronze last knew them."""
    keys = list(dict.fromkeys([*contract.key, *contract.source.key]))
    last = F.max_by(F.struct(*keys, "_source_file", "_row_number"), F.col("_received_at"))
    rows = earlier.where("_operation <> 'D'").join(gone, "_record_key", "left_semi")
    latest = rows.groupBy("_record_key").agg(last.alias("_last")).select("_last.*")
    return latest.withColumn("_operation", F.lit("D"))
