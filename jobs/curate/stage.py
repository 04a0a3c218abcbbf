"""The curate stage (共享表加工作业): what changed in a base library, cut to a shared table."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.control.session import session_scope
from catalog.model.contract import Contract, Curate
from catalog.model.layers import table_of
from catalog.model.registry import get_registry
from jobs.curate.news import Seen, concerned_rows, remember, seen_before, seen_now
from jobs.curate.record_flag import COLUMN, delivered_elements, record_flag
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
    Reads:      the base library of ``government.curate.input`` and its disagreements: entities only that changed, that
                sources began or ceased to disagree about, or whose sources fell silent or spoke again.
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
        with session_scope() as session:
            before, now = seen_before(session, resource, library), seen_now(spark, session, library)
        if before == now:
            run.say(f"{source.name} has not changed since version {now.library}")
            return
        _cut(spark, concerned_rows(spark, library, before, now), contract, cut, run, now)
        with session_scope() as session:
            remember(session, resource, library, now)


def _cut(spark: SparkSession, changed: DataFrame, contract: Contract, cut: Curate, run: StageRun, seen: Seen) -> None:
    table = table_of(contract)
    changed = changed.withColumn(COLUMN, record_flag(delivered_elements(contract), seen.silent))
    admitted = F.coalesce(F.expr(cut.where), F.lit(False)) & ~F.col("_is_deleted")
    columns = [F.expr(p.transform_logic or f"`{p.name}`").cast(p.spark_type).alias(p.name) for p in contract.properties]
    with staged(spark, changed.select(*columns, admitted.alias("_admitted")), run, "cut") as rows:
        counts = {row["_admitted"]: row["count"] for row in rows.groupBy("_admitted").count().collect()}
        _bring_in(spark, rows, contract)
    kept, out = counts.get(True, 0), counts.get(False, 0)
    label = f"{contract.name}-{seen.library}.{seen.conflicts}"
    run.ledger(table.name, label, read=kept + out, accepted=kept, set_aside=out)


def _bring_in(spark: SparkSession, rows: DataFrame, contract: Contract) -> None:
    """Bring the cut rows into the shared table: the first ones as they are, later ones merged."""
    table = table_of(contract)
    if delta.current_version(spark, table) == 0:
        delta.fill(spark, rows.where("_admitted").drop("_admitted"), table, contract.key)
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
