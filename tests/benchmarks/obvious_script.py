"""The obvious road, as a data engineer writes it by hand: read by JDBC, ``withColumn``, overwrite.

Same engine, same storage, same rules on the same columns; no ledger, history, late rows, duplicates or masking.
Usage: ``python obvious_script.py JDBC_URL USER LAKE``, with ``SPARK_REMOTE`` and ``PGPASSWORD`` in the environment.
"""

import os
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

url, user, lake = sys.argv[1:]
spark = SparkSession.builder.remote(os.environ["SPARK_REMOTE"]).getOrCreate()


def reader():
    """Return a reader of the department's database."""
    source = spark.read.format("jdbc").option("url", url).option("driver", "org.postgresql.Driver")
    return source.option("user", user).option("password", os.environ["PGPASSWORD"]).option("fetchsize", 10000)


low, high = reader().option("query", "SELECT min(record_no), max(record_no) FROM bench_person").load().first()
people = (
    reader()
    .option("dbtable", "bench_person")
    .option("partitionColumn", "record_no")
    .option("lowerBound", low)
    .option("upperBound", high + 1)
    .option("numPartitions", 4)
    .load()
)
people.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(f"{lake}/obvious/bronze")

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
bronze = spark.read.format("delta").load(f"{lake}/obvious/bronze")
number = F.col("citizen_id")
total = sum((F.ascii(number.substr(i + 1, 1)) - 48) * w for i, w in enumerate(WEIGHTS))
expected = F.lit("10X98765432").substr((total % 11 + 1).cast("int"), F.lit(1))
silver = (
    bronze.withColumn("citizen_id", F.upper(F.trim("citizen_id")))
    .withColumn("name", F.trim("name"))
    .withColumn("address", F.trim("address"))
    .withColumn("birth_text", F.regexp_replace(F.regexp_replace("birth_date", "[/.年月]", "-"), "日", ""))
    .withColumn("birth_text", F.regexp_replace("birth_text", r"^(\d{4})(\d{2})(\d{2})$", "$1-$2-$3"))
    .withColumn("birth_date", F.col("birth_text").try_cast("date"))
    .withColumn("id_ok", number.rlike(r"^\d{17}[0-9X]$") & (expected == number.substr(18, 1)))
    .withColumn("sex_ok", (F.ascii(number.substr(17, 1)) % 2 == 1) == (F.col("sex_code") == "1"))
    .withColumn("birth_ok", F.date_format("birth_date", "yyyyMMdd") == number.substr(7, 8))
)
good = F.coalesce(F.col("id_ok") & F.col("sex_ok") & F.col("birth_ok"), F.lit(False))
for name, rows in (("silver", silver.where(good)), ("rejected", silver.where(~good))):
    rows.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(f"{lake}/obvious/{name}")
print(spark.read.format("delta").load(f"{lake}/obvious/silver").count())
