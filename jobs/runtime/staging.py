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
from jobs.runtime.stage import StageRun


@contextmanager
def staged(spark: SparkSession, frame: DataFrame, run: StageRun, name: str) -> Iterator[DataFrame]:
    """Write ``frame`` out and yield it as read back; the files go when the block ends.

    On an object store the folder ``_staging`` is left to the store's own lifecycle rule.
    """
    uri = f"{get_settings().lake_uri}/_staging/{run.run_id}/{name}"
    try:
        frame.write.mode("overwrite").parquet(uri)
        yield spark.read.parquet(uri)
    finally:
        if uri.startswith("file:"):
            shutil.rmtree(uri.removeprefix("file:").replace("//", "/"), ignore_errors=True)
