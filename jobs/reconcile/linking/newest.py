"""Which of several silver rows is the newest (最新记录): by the one order, by the source's time where it is lacking."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from jobs.runtime.versions import ORDER, ORDER_TYPE


def newness(rows: DataFrame) -> Column:
    """Return what is greater of the newer one among rows of one source.

    Rows written before the order was kept have none, and are older than those that have.
    """
    order = F.col(ORDER) if ORDER in rows.columns else F.lit(None).cast(ORDER_TYPE)
    return F.struct(order.alias("order"), F.col("_source_at").alias("at"))


def newest_rows(rows: DataFrame) -> DataFrame:
    """Return one row per record: a record whose key moved may have several in silver."""
    together = Window.partitionBy("_record_key").orderBy(newness(rows).desc(), F.col("_batch_id").desc())
    return rows.withColumn("_place", F.row_number().over(together)).where("_place = 1").drop("_place")
