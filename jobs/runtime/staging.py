"""Intermediate results on disk (暂存): computed once, then read with a short plan.

Over Spark Connect every action sends and analyses its whole plan again, cached or not; a result that several actions
use is written out instead. Each run has a folder of its own, so a late try cannot disturb a new one.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import DataFrame, SparkSession

from catalog.model.settings import get_settings
from jobs.runtime.spark import set_for
from jobs.runtime.stage import StageRun

PLAIN = {"parquet.enable.dictionary": "false"}
"""Values as they are: looking for repeated ones takes a third of the time of writing, and the files are soon gone."""
TOGETHER = {"spark.sql.maxConcurrentOutputFileWriters": "8"}
"""Files of several values are written side by side; otherwise all rows would be sorted by value first."""


@contextmanager
def staged(
    spark: SparkSession, frame: DataFrame, run: StageRun, name: str, apart: str | None = None
) -> Iterator[DataFrame]:
    """Write ``frame`` out and yield it as read back; the files go when the block ends.

    On an object store the folder ``_staging`` is left to the store's own lifecycle rule.

    Args:
        spark: the session.
        frame: what to write.
        run: the stage's run.
        name: of the result within the run.
        apart: a column of few whole numbers, each of which gets files of its own: who asks for one reads no other.
    """
    uri = f"{get_settings().lake_uri}/_staging/{run.run_id}/{name}"
    try:
        writer = frame.write.mode("overwrite").options(**PLAIN)
        if apart is None:
            writer.parquet(uri)
            yield spark.read.parquet(uri)
        else:
            with set_for(spark, TOGETHER):
                writer.partitionBy(apart).parquet(uri)
            yield spark.read.schema(frame.schema).parquet(uri)
    finally:
        if uri.startswith("file:"):
            shutil.rmtree(uri.removeprefix("file:").replace("//", "/"), ignore_errors=True)
