"""Which national key stands for an entity (实体主键判定), and which record of a keyless source speaks for it.

Pure: what is decided follows from who belongs to whom, the valid keys of records, and redirects; nothing is remembered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from catalog.model.layers import identity_of, linkage_of, redirect_of, table_of
from jobs.reconcile.identity import entity_id
from jobs.reconcile.linking.newest import newest_rows, newness

if TYPE_CHECKING:
    from jobs.reconcile.linking.keyed import Work

KEY_OF_ANOTHER = "KEY_OF_ANOTHER"
SEVERAL_NATIONAL_KEYS = "SEVERAL_NATIONAL_KEYS"
NO_NATIONAL_KEY = "NO_NATIONAL_KEY"
NEWER_RECORD_SPEAKS = "NEWER_RECORD_SPEAKS"
WAITS = (NO_NATIONAL_KEY, SEVERAL_NATIONAL_KEYS, KEY_OF_ANOTHER, NEWER_RECORD_SPEAKS)
"""Why a record says nothing in the library; their words are in ``catalog/reasons/linkage.yml``."""


def judged_records(spark: SparkSession, work: Work, concerned: DataFrame | None) -> DataFrame:
    """Return the living records of a keyless source with the key for which each speaks, or why it does not.

    An entity's key is the one its id was made of; where its id was made otherwise and persons let one keyed entity lead
    to it, that one's. Of several records of one entity the newest speaks, then the first by record key.

    Args:
        spark: the session.
        work: the library, the source and the versions read.
        concerned: only records of these entities, one column ``_entity_id``; None for all.

    Returns:
        Silver's columns, but the key as linking has it; ``_entity_id``, ``_linked_by``, and ``_reason``, null of those
        that speak.
    """
    members = work.read(spark, identity_of(work.library))
    merged_from = F.when(F.col("original_id") != F.col("entity_id"), F.col("original_id"))
    own = members.where(F.col("resource") == work.source.id).select(
        F.col("record_id").alias("_record_id"),
        F.col("record_key").alias("_record_key"),
        F.col("entity_id").alias("_entity_id"),
        F.struct("method", "model", "weight", "linked_to", merged_from.alias("merged_from")).alias("_linked_by"),
    )
    if concerned is not None:
        own = own.join(F.broadcast(concerned), "_entity_id", "left_semi")
    silver = work.read(spark, table_of(work.source)).where(~F.col("_is_deleted")).drop(work.key)
    living = newest_rows(silver.join(own, "_record_key"))
    stated = _stated_keys(spark, work, members, own.select("_entity_id").distinct())
    strayed = stated.where("_leads_to <> _entity_id").select("_record_id").withColumn("_strayed", F.lit(True))
    agreed = stated.where("_leads_to = _entity_id").groupBy("_entity_id")
    keys = agreed.agg(
        F.max(F.when(F.col("_made_of_it") == F.col("_entity_id"), F.col("_stated"))).alias("_first"),
        F.collect_set("_stated").alias("_all"),
    )
    known = living.join(keys, "_entity_id", "left").join(strayed, "_record_id", "left")
    only = F.when(F.size("_all") == 1, F.get("_all", F.lit(0)))
    known = known.withColumn(work.key, F.coalesce("_first", only))
    return _with_reason(known, work.key).drop("_first", "_all", "_strayed", "_record_id")


def _stated_keys(spark: SparkSession, work: Work, members: DataFrame, entities: DataFrame) -> DataFrame:
    """Return each valid key that a record of ``entities`` states, and the entity to which that key leads now."""
    belonging = members.select(F.col("record_id").alias("_record_id"), F.col("entity_id").alias("_entity_id"))
    belonging = belonging.join(entities, "_entity_id", "left_semi")
    keys = work.read(spark, linkage_of(work.library)).where("key IS NOT NULL")
    keys = keys.select(F.col("record_id").alias("_record_id"), F.col("key").alias("_stated"))
    rows = belonging.join(keys, "_record_id")
    rows = rows.withColumn("_made_of_it", entity_id(work.library.id, F.col("_stated")))
    redirects = work.read(spark, redirect_of(work.library)).withColumnRenamed("from_id", "_made_of_it")
    led = rows.join(F.broadcast(redirects), "_made_of_it", "left")
    return led.withColumn("_leads_to", F.coalesce("to_id", "_made_of_it")).drop("to_id")


def _with_reason(rows: DataFrame, key: str) -> DataFrame:
    has_none = F.col(key).isNull()
    reason = (
        F.when(F.col("_strayed"), F.lit(KEY_OF_ANOTHER))
        .when(has_none & (F.size("_all") > 1), F.lit(SEVERAL_NATIONAL_KEYS))
        .when(has_none, F.lit(NO_NATIONAL_KEY))
    )
    rows = rows.withColumn("_reason", reason)
    order = [newness(rows).desc(), F.col("_record_key")]
    together = Window.partitionBy(F.coalesce(F.col(key), F.col("_record_key")), F.col("_reason").isNull())
    rows = rows.withColumn("_place", F.row_number().over(together.orderBy(*order)))
    is_second = F.col("_reason").isNull() & (F.col("_place") > 1)
    spoken_for = F.when(is_second, F.lit(NEWER_RECORD_SPEAKS)).otherwise(F.col("_reason"))
    return rows.withColumn("_reason", spoken_for).drop("_place")
