"""The curate stage (共享表加工作业): what changed in a base library, cut to a shared table."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.control.positions import get_position, set_position
from catalog.control.session import session_scope
from catalog.model.contract import Contract, Curate
from catalog.model.layers import table_of
from catalog.model.registry import get_registry
from jobs.runtime import delta
from jobs.runtime.delta import ColumnSpec
from jobs.runtime.spark import connect
from jobs.runtime.stage import StageRun, stage_run
from jobs.runtime.staging import staged
from jobs.runtime.volume import expect_batch

STAGE = "curate"


def gold_columns(contract: Contract) -> list[ColumnSpec]:
    """Return the columns of a shared table: the contract's, and nothing else."""
    return [(p.name, p.spark_type, p.business_name) for p in contract.properties]


def curate(resource: str, batch: str | None = None) -> None:
    """Bring what changed in a base library into a shared table.

    Grain:      one row per living entity that the contract's condition admits.
    Key:        the contract's primary key.
    Reads:      the base library of ``government.curate.input``, changed entities only.
    Writes:     ``gold.<domain>__<name>``: rows no longer admitted are deleted.
    """
    del batch
    contract = get_registry().get(resource)
    cut = contract.government.curate
    if cut is None:
        raise LookupError(f"{resource} has no curate block")
    library = get_registry().get(cut.input)
    source, table = table_of(library), table_of(contract)
    with stage_run(STAGE, resource) as run:
        spark = connect()
        expect_batch(spark, contract)
        delta.ensure(spark, table, gold_columns(contract), shared=True)
        now = delta.current_version(spark, source)
        with session_scope() as session:
            before = get_position(session, resource, source.name)
        if before is not None and int(before) == now:
            run.say(f"{source.name} has not changed since version {now}")
            return
        changed = _changed_rows(spark, library, None if before is None else int(before), now)
        _cut(spark, changed, contract, cut, run, f"{contract.name}-{now}")
        with session_scope() as session:
            set_position(session, resource, source.name, str(now))


def _changed_rows(spark: SparkSession, library: Contract, before: int | None, now: int) -> DataFrame:
    """Return the rows of the library, at version ``now``, that changed after version ``before``."""
    rows = delta.read(spark, table_of(library), now)
    if before is None:
        return rows
    keys = delta.changed_rows(spark, table_of(library), before, now).select(*library.key).distinct()
    return rows.join(F.broadcast(keys), library.key, "left_semi")


def _cut(spark: SparkSession, changed: DataFrame, contract: Contract, cut: Curate, run: StageRun, label: str) -> None:
    table = table_of(contract)
    admitted = F.coalesce(F.expr(cut.where), F.lit(False)) & ~F.col("_is_deleted")
    columns = [F.expr(p.transform_logic or f"`{p.name}`").cast(p.spark_type).alias(p.name) for p in contract.properties]
    with staged(spark, changed.select(*columns, admitted.alias("_admitted")), run, "cut") as rows:
        counts = {row["_admitted"]: row["count"] for row in rows.groupBy("_admitted").count().collect()}
        _bring_in(spark, rows, contract)
    kept, out = counts.get(True, 0), counts.get(False, 0)
    run.ledger(table.name, label, read=kept + out, accepted=kept, set_aside=out)


def _bring_in(spark: SparkSession, rows: DataFrame, contract: Contract) -> None:
    """Bring the cut rows into the shared table: the first ones as they are, later ones merged."""
    table = table_of(contract)
    if delta.current_version(spark, table) == 0:
        delta.fill(rows.where("_admitted").drop("_admitted"), table, contract.key)
        return
    others = [c for c in contract.columns if c not in contract.key]
    differs = " OR ".join(f"NOT (s.`{c}` <=> t.`{c}`)" for c in others) or "false"
    delta.merge(
        spark,
        rows,
        table,
        contract.key,
        delete_when="NOT s._admitted",
        update_when=differs,
        insert_when="s._admitted",
    )
