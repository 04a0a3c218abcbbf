"""A shared table brought to what its whole library says under the contract in force (共享表整表重算).

Invariant: afterwards the table has the contract's columns and types, and the admitted rows, and nothing else.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.model.contract import Contract
from catalog.model.errors import MergeKeyError
from catalog.model.layers import Table, table_of
from jobs.runtime import delta
from jobs.runtime.fencing import marked
from jobs.runtime.stage import StageRun
from jobs.runtime.staging import staged


def make_whole(spark: SparkSession, admitted: DataFrame, contract: Contract, run: StageRun) -> None:
    """Bring the table of ``contract`` to ``admitted``, all the rows it may have: only what differs is written.

    A column that is gone or of another type is not taken out row by row: then the table is replaced, in one commit.
    It stays the same table, so that its versions count on.

    Raises:
        MergeKeyError: when the key is null or repeated; nothing was written.
    """
    table = table_of(contract)
    if delta.current_version(spark, table) == 0:
        delta.fill(spark, admitted, table, contract.key)
        return
    delta.prove_key(admitted, contract.key, table)
    standing = delta.read(spark, table)
    if not _fits(standing, admitted, contract, table):
        _replace(spark, admitted, contract)
        run.say(f"{table.name} was replaced: its columns or its key are others now")
        return
    present = standing.select(*admitted.columns)
    gone = present.join(admitted.select(*contract.key), contract.key, "left_anti")
    other = admitted.subtract(present)
    differing = other.withColumn("_admitted", F.lit(True)).unionByName(gone.withColumn("_admitted", F.lit(False)))
    with staged(spark, differing, run, "differing") as rows:
        if rows.limit(1).collect():
            bring_in(spark, rows, contract)
        else:
            run.say(f"{table.name} has all rows as they are cut now")


def bring_in(spark: SparkSession, rows: DataFrame, contract: Contract) -> None:
    """Merge cut rows into the shared table; those that are not ``_admitted`` leave it."""
    others = [c for c in contract.columns if c not in contract.key]
    differs = " OR ".join(f"NOT (s.`{c}` <=> t.`{c}`)" for c in others) or "false"
    delta.merge(
        spark,
        rows,
        table_of(contract),
        contract.key,
        delete_when="NOT s._admitted",
        update_when=differs,
        insert_when="s._admitted",
    )


def _fits(standing: DataFrame, admitted: DataFrame, contract: Contract, table: Table) -> bool:
    """Tell whether the table has the contract's columns and types, and its key tells the rows apart."""
    if dict(standing.dtypes) != dict(admitted.dtypes):
        return False
    try:
        delta.prove_key(standing, contract.key, table)
    except MergeKeyError:
        return False
    return True


def _replace(spark: SparkSession, admitted: DataFrame, contract: Contract) -> None:
    """Put ``admitted`` in place of rows and columns of the table, with the columns' Chinese names."""
    columns = [F.col(p.name).alias(p.name, metadata={"comment": p.business_name}) for p in contract.properties]
    writer = admitted.select(*columns).write.format("delta").mode("overwrite").option("overwriteSchema", "true")
    with marked(spark):
        writer.save(table_of(contract).uri)
