"""Which version of which very table is read (表版本锁定): its id and its newest version, found damaged or whole.

Invariant: what is pinned is never less than what the platform has seen of the same table before.
"""

from __future__ import annotations

from pyspark.sql import SparkSession

from catalog.control.positions import TableVersion
from catalog.model.layers import Table
from jobs.runtime import delta


def pin(spark: SparkSession, table: Table) -> TableVersion:
    """Return id and newest version of ``table``, which exists."""
    return TableVersion(delta.table_id(spark, table), delta.current_version(spark, table))
