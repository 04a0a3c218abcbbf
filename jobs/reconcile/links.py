"""References between base libraries (关联): holder → person or legal entity, by national key."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.model.contract import Link
from catalog.model.layers import table_of
from catalog.model.registry import Registry
from jobs.runtime import delta


def resolve_links(
    spark: SparkSession, rows: DataFrame, links: list[Link], registry: Registry, versions: dict[str, int]
) -> tuple[DataFrame, list[Column]]:
    """Return ``rows`` with each link's id column, and the flags for keys that no target knows."""
    flags: list[Column] = []
    for link in links:
        found = []
        for place, target in enumerate(link.targets):
            contract = registry.get(target)
            reconcile = contract.government.reconcile
            if target not in versions or reconcile is None:
                continue
            known = delta.read(spark, table_of(contract), versions[target]).where(~F.col("_is_deleted"))
            name = f"_{link.column}_{place}"
            known = known.select(F.col(contract.key[0]).alias(link.by), F.col(reconcile.entity_id).alias(name))
            rows = rows.join(known, link.by, "left")
            found.append(name)
        nobody = F.lit(None).cast("string")
        rows = rows.withColumn(link.column, F.coalesce(*[F.col(n) for n in found], nobody)).drop(*found)
        if link.missing_flag:
            unknown = F.col(link.by).isNotNull() & F.col(link.column).isNull()
            flags.append(F.when(unknown, F.lit(link.missing_flag)))
    return rows, flags
