"""The usual golden record, as a data engineer writes it by hand: stack, window by priority, full outer join, overwrite.

Same engine, same storage, same sources and order; no statements, ids, conflicts, provenance, tombstones or history.
Usage: ``python join_script.py LAKE``, with ``SPARK_REMOTE`` in the environment.
"""

import os
import sys

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

[lake] = sys.argv[1:]
spark = SparkSession.builder.remote(os.environ["SPARK_REMOTE"]).getOrCreate()
ORDER = {
    "name": ["bench_household", "bench_insurance", "bench_driver"],
    "sex_code": ["bench_household", "bench_insurance", "bench_driver"],
    "birth_date": ["bench_household"],
    "division_code": ["bench_household"],
    "address": ["bench_household", "bench_driver"],
    "phone": ["bench_insurance", "bench_driver"],
    "employer_uscc": ["bench_insurance"],
}


def newest(name):
    """Return the newest row of each person in one source, its columns named after it."""
    rows = spark.read.format("delta").load(f"{lake}/silver/population__{name}").where("NOT _is_deleted")
    last = Window.partitionBy("citizen_id").orderBy(F.col("_source_at").desc())
    rows = rows.withColumn("_rank", F.row_number().over(last)).where("_rank = 1")
    kept = [c for c in ORDER if name in ORDER[c]]
    return rows.select("citizen_id", *[F.col(c).alias(f"{name}_{c}") for c in kept])


joined = newest("bench_household")
for source in ("bench_insurance", "bench_driver"):
    joined = joined.join(newest(source), "citizen_id", "full_outer")
golden = joined.select(
    "citizen_id", *[F.coalesce(*[F.col(f"{s}_{c}") for s in sources]).alias(c) for c, sources in ORDER.items()]
)
golden.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(f"{lake}/joined/golden")
print(spark.read.format("delta").load(f"{lake}/joined/golden").count())
