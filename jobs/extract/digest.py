"""A digest of a live table (整表摘要): whether its records are those that bronze knows, without reading them.

Count and sum of one hash per row over record key and time of change. The source computes it in one scan; what it
must be is the digest of the reading before, plus the versions that arrived, minus those they replaced. When both
agree, nothing vanished and nothing was missed, and the comparison key by key is spared. When they do not, it is made.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.model.source import DatabaseSource
from jobs.extract.known_rows import record_states
from jobs.extract.snapshot import Snapshot
from jobs.extract.source_table import SourceTable

HEX_DIGITS = 12
"""48 bits of MD5: their sum over hundreds of millions of rows fits the decimals of both engines."""


@dataclass(frozen=True)
class Digest:
    """Number of rows and sum of their hashes."""

    rows: int = 0
    total: int = 0

    def __add__(self, other: Digest) -> Digest:
        """Return the digest with other rows added."""
        return Digest(self.rows + other.rows, self.total + other.total)

    def __sub__(self, other: Digest) -> Digest:
        """Return the digest with other rows taken away."""
        return Digest(self.rows - other.rows, self.total - other.total)

    def to_text(self) -> str:
        """Return the digest as the control plane keeps it.

        >>> Digest.from_text(Digest(2, 30).to_text()) == Digest(2, 30), Digest.from_text("")
        (True, None)
        """
        return f"{self.rows}:{self.total}"

    @classmethod
    def from_text(cls, text: str | None) -> Digest | None:
        """Return the digest that :meth:`to_text` wrote; nothing when there is none."""
        if not text:
            return None
        rows, total = text.split(":")
        return cls(int(rows), int(total))


def digest_of_source(snapshot: Snapshot, table: SourceTable, source: DatabaseSource, key: list[str]) -> Digest:
    """Return the digest of the whole table, computed by the source."""
    parts = [sql.SQL("coalesce({}::text, '')").format(sql.Identifier(table.columns[column])) for column in key]
    record = sql.SQL("concat_ws('|', {})").format(sql.SQL(", ").join(parts))
    instant = table.instant(source.changed_at) if source.changed_at else sql.SQL("NULL::timestamptz")
    micros = sql.SQL("coalesce((extract(epoch FROM {}) * 1000000)::bigint::text, '')").format(instant)
    hashed = sql.SQL("('x' || substr(md5({} || '#' || {}), 1, {}))::bit(48)::bigint").format(
        record, micros, sql.Literal(HEX_DIGITS)
    )
    query = sql.SQL("SELECT count(*), coalesce(sum({}), 0)::text FROM {}").format(hashed, table.identifier)
    [(rows, total)] = snapshot.rows(query)
    return Digest(int(str(rows)), int(str(total)))


def digest_of_rows(rows: DataFrame, changed: str) -> Digest:
    """Return the digest of bronze rows, computed by Spark; ``changed`` names their time of change."""
    micros = F.coalesce(F.unix_micros(changed).cast("string"), F.lit(""))
    text = F.concat(F.col("_record_key"), F.lit("#"), micros)
    hashed = F.conv(F.substring(F.md5(text.cast("binary")), 1, HEX_DIGITS), 16, 10).cast("decimal(20,0)")
    [found] = rows.agg(F.count(F.lit(1)).alias("rows"), F.sum(hashed).alias("total")).collect()
    return Digest(int(found["rows"]), int(found["total"] or 0))


def expected_digest(before: Digest, fresh: DataFrame, earlier: DataFrame) -> Digest:
    """Return what the source's digest must be when the fresh rows are all that changed since ``before``."""
    arrived = digest_of_rows(fresh, "_source_at")
    if not arrived.rows:
        return before
    keys = fresh.select("_record_key").distinct()
    touched = earlier.join(F.broadcast(keys), "_record_key", "left_semi")
    replaced = digest_of_rows(record_states(touched).where("_is_alive"), "_seen_change")
    return before + arrived - replaced
