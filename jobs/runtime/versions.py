"""The order of versions as a column (先后次序列): :mod:`catalog.model.version_order` on millions of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.model.source import FeedSource, FileSource, Source

ORDER = "_order"
ORDER_TYPE = "struct<rank:bigint,at:bigint,arrival:bigint,row:bigint>"
ARRIVAL, GENERATION = "_arrival", "_generation"


@dataclass(frozen=True)
class BatchOrder:
    """What the order of a row takes from its batch."""

    arrival: int
    generation: int
    """Of a feed: arrival of the batch with which this generation of it began; else 0."""


def with_arrival(rows: DataFrame, batches: Mapping[str, BatchOrder]) -> DataFrame:
    """Return ``rows`` with ``_arrival`` and ``_generation`` of their batch; rows of other batches have null."""

    def looked_up(values: Mapping[str, int]) -> Column:
        pairs = [F.lit(x) for pair in values.items() for x in pair]
        known = F.create_map(*pairs) if pairs else F.lit(None).cast("map<string,bigint>")
        return F.try_element_at(known, F.col("_batch_id")).cast("bigint")

    return rows.withColumns(
        {
            ARRIVAL: looked_up({batch: order.arrival for batch, order in batches.items()}),
            GENERATION: looked_up({batch: order.generation for batch, order in batches.items()}),
        }
    )


def order_column(source: Source) -> Column:
    """Return the order of bronze rows that have ``_arrival`` and ``_generation``."""
    row, arrival = F.coalesce(F.col("_row_number"), F.lit(0)).cast("bigint"), F.col(ARRIVAL)
    at = F.least(F.coalesce(F.unix_micros("_source_at"), arrival), arrival)
    if isinstance(source, FeedSource):
        rank, at = F.col(GENERATION), row
    else:
        rank = at if isinstance(source, FileSource) else arrival
    parts = {"rank": rank, "at": at, "arrival": arrival, "row": row}
    return F.struct(*[column.alias(name) for name, column in parts.items()])
