"""The curate stage (共享表加工作业): what changed in a base library, cut to a shared table."""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.control.session import session_scope
from catalog.model.contract import Contract, Curate
from catalog.model.layers import table_of
from catalog.model.registry import get_registry
from jobs.curate.news import (
    Seen,
    concerned_rows,
    has_lost_rows,
    note_all_is_cut,
    remember,
    require_inputs,
    seen_before,
    seen_now,
)
from jobs.curate.record_flag import COLUMN, delivered_elements, record_flag
from jobs.curate.whole import bring_in, make_whole
from jobs.runtime import delta
from jobs.runtime.delta import ColumnSpec
from jobs.runtime.spark import connect
from jobs.runtime.stage import StageRun, stage_run
from jobs.runtime.staging import staged
from jobs.runtime.table_state import pin
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
                sources began or ceased to disagree about, or whose sources fell silent or spoke again; all of them
                when the contract, the elements or this code changed, or a table was made anew or went back.
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
        require_inputs(spark, contract, library)
        expect_batch(spark, contract)
        delta.ensure(spark, table, gold_columns(contract), shared=True)
        with session_scope() as session:
            before, now = seen_before(session, contract, library), seen_now(spark, session, contract, library)
        if before is not None and (not before.leads_to(now) or has_lost_rows(spark, library, before, now)):
            run.say(f"{table.name} is cut from all of {source.name}: contract or tables are others than before")
            before = None
        if before is not None and before.is_all_of(now):
            run.say(f"{source.name} has not changed since version {now.library.version}")
            return
        if before is None:
            run.transaction(lambda session: note_all_is_cut(session, contract))
        _cut(spark, concerned_rows(spark, library, before, now), contract, cut, run, now, is_whole=before is None)
        left = replace(now, shared=pin(spark, table))
        run.transaction(lambda session: remember(session, contract, library, left))


def _cut(
    spark: SparkSession,
    concerned: DataFrame,
    contract: Contract,
    cut: Curate,
    run: StageRun,
    seen: Seen,
    *,
    is_whole: bool,
) -> None:
    """Cut the concerned rows of the library and bring them in; ``is_whole`` says that these are all there are."""
    flagged = concerned.withColumn(COLUMN, record_flag(delivered_elements(contract), seen.silent))
    admitted = F.coalesce(F.expr(cut.where), F.lit(False)) & ~F.col("_is_deleted")
    columns = [F.expr(p.transform_logic or f"`{p.name}`").cast(p.spark_type).alias(p.name) for p in contract.properties]
    with staged(spark, flagged.select(*columns, admitted.alias("_admitted")), run, "cut") as rows:
        counts = {row["_admitted"]: row["count"] for row in rows.groupBy("_admitted").count().collect()}
        if is_whole:
            make_whole(spark, rows.where("_admitted").drop("_admitted"), contract, run)
        else:
            bring_in(spark, rows, contract)
    kept, out = counts.get(True, 0), counts.get(False, 0)
    label = f"{contract.name}-{seen.library.version}.{seen.conflicts.version}"
    if is_whole:
        label += f"-{seen.recipe[:8]}"
    run.ledger(table_of(contract).name, label, read=kept + out, accepted=kept, set_aside=out)
