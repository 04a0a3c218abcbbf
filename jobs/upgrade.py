"""What an older home must be given once (升级): hashes that keep nulls, orders and row identities in its tables.

Invariant: only columns of the pipeline change, so no consumer reads a table again for it; a second call does nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from sqlalchemy import update
from sqlalchemy.orm import Session

from catalog.control.positions import TableVersion
from catalog.control.session import in_transaction
from catalog.control.tables import Position
from catalog.model.contract import Contract
from catalog.model.layers import Table, bronze_of, closed_of, set_aside_of, table_of
from catalog.model.registry import get_registry
from jobs.conform.issues import CLOSED_COLUMNS
from jobs.conform.tables import SET_ASIDE_COLUMNS, silver_columns
from jobs.conform.waiting import waiting_batches
from jobs.extract.bronze import bronze_columns
from jobs.runtime import delta
from jobs.runtime.row_hash import row_hash
from jobs.runtime.spark import connect
from jobs.runtime.stage import StageRun, stage_run
from jobs.runtime.table_state import pin
from jobs.runtime.versions import ORDER, no_order, order_column


def upgrade(resources: Sequence[str] = ()) -> None:
    """Bring the tables of an older home up to the present form.

    Args:
        resources: only these; default every contract with a source.

    Raises:
        InvalidContractError: all others are brought up, and one cannot be used.
    """
    registry = get_registry()
    for contract in [registry.get(r) for r in resources] or registry.all():
        if contract.government.source is not None:
            with stage_run("upgrade", contract.id) as run:
                _upgrade_source(connect(), contract, run)
    for error in [] if resources else registry.invalid().values():
        raise error


def _upgrade_source(spark: SparkSession, contract: Contract, run: StageRun) -> None:
    tables = {
        bronze_of(contract): bronze_columns(contract),
        set_aside_of(contract): SET_ASIDE_COLUMNS,
        closed_of(contract): CLOSED_COLUMNS,
        table_of(contract): silver_columns(contract),
    }
    for table, columns in tables.items():
        if delta.exists(spark, table):
            delta.ensure(spark, table, columns)
    silver = table_of(contract)
    if not delta.exists(spark, silver):
        run.say("was never conformed")
        return
    if not delta.read(spark, silver).where(f"{ORDER} IS NULL").limit(1).collect():
        run.say(f"{silver.name} is in the present form")
        return
    _rewrite(spark, contract, silver, run)


def _rewrite(spark: SparkSession, contract: Contract, silver: Table, run: StageRun) -> None:
    """Write hash, order and identity of the rows that have none, and let consumers stand where they stood."""
    waiting = in_transaction(lambda session: waiting_batches(session, contract, None))
    before = pin(spark, silver)
    rows = delta.read(spark, silver, before.version).where(f"{ORDER} IS NULL")
    count = rows.count()
    order = F.coalesce(order_column(contract.source, waiting.orders), no_order())
    rows = rows.withColumns(
        {
            ORDER: order,
            "_row_id": F.coalesce("_row_id", "_row_number"),
            "_row_hash": row_hash(*contract.columns, "_flags", "_is_deleted"),
        }
    )
    condition = f"t.{ORDER} IS NULL"
    delta.merge(spark, rows, silver, contract.key, update_when=condition, insert_when="false")
    now = pin(spark, silver)
    run.transaction(lambda session: _follow(session, silver, before, now))
    run.say(f"{silver.name}: {count:,} row(s) rewritten, version {before.version} to {now.version}")


def _follow(session: Session, table: Table, before: TableVersion, now: TableVersion) -> None:
    """Let whoever had consumed the table up to ``before`` have consumed it up to ``now``."""
    stood = [str(before), str(before.version)]
    condition = (Position.source == table.name) & Position.position.in_(stood)
    session.execute(update(Position).where(condition).values(position=str(now)))
