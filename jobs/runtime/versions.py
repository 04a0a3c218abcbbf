"""The order of versions as a column (先后次序列): :mod:`catalog.model.version_order` on millions of rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.model.source import FeedSource, FileSource, Source
from catalog.model.version_order import BEFORE_ALL, TOLERANCE, BatchOrder, VersionOrder

ORDER = "_order"
ORDER_TYPE = "array<bigint>"
"""Rank, time, arrival, row: a list, since Great Expectations takes the fields of a structure for columns."""


def order_column(source: Source, batches: Mapping[str, BatchOrder]) -> Column:
    """Return the order of rows that have ``_source_at``, ``_row_number``, ``_batch_id`` and ``_is_deleted``.

    Args:
        source: the contract's source.
        batches: every batch of the rows; rows of another have no order.
    """
    row = F.coalesce(F.col("_row_number"), F.lit(0)).cast("bigint")
    arrival = arrival_of(batches)
    at = F.coalesce(F.unix_micros("_source_at"), arrival)
    if isinstance(source, FeedSource):
        rank = of_batch({batch: order.generation for batch, order in batches.items()}, "bigint")
        at = row
    elif isinstance(source, FileSource):
        made = of_batch({batch: order.made for batch, order in batches.items()}, "bigint")
        rank = at = F.when(_is_believable(at, arrival), F.least(at, arrival)).otherwise(made)
    else:
        rank = arrival
        at = F.when(F.col("_is_deleted"), F.lit(BEFORE_ALL.at)).otherwise(F.least(at, arrival))
    return F.array(*[column.cast("bigint") for column in (rank, at, arrival, row)])


def arrival_of(batches: Mapping[str, BatchOrder]) -> Column:
    """Return the arrival number of a row's batch."""
    return of_batch({batch: order.arrival for batch, order in batches.items()}, "bigint")


def bounded_time(batches: Mapping[str, BatchOrder]) -> Column:
    """Return ``_source_at``, or when the batch arrived, where it states a time well after that."""
    arrival, at = arrival_of(batches), F.col("_source_at")
    return F.when(_is_believable(F.unix_micros(at), arrival), at).otherwise(F.timestamp_micros(arrival))


def _is_believable(at: Column, arrival: Column) -> Column:
    """Return :func:`catalog.model.version_order.is_believable`."""
    return at <= arrival + F.lit(TOLERANCE // timedelta(microseconds=1))


def of_batch(values: Mapping[str, object], kind: str) -> Column:
    """Return the value of a row's batch, null where ``values`` has none."""
    pairs = [F.lit(x) for pair in values.items() if pair[1] is not None for x in pair]
    if not pairs:
        return F.lit(None).cast(kind)
    return F.try_element_at(F.create_map(*pairs), F.col("_batch_id")).cast(kind)


def literal_order(order: VersionOrder) -> Column:
    """Return one order as a constant."""
    return F.array(*[F.lit(value).cast("bigint") for value in order])


def no_order() -> Column:
    """Return the order of a version of which none is kept: before all others."""
    return literal_order(BEFORE_ALL)
