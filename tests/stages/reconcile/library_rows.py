"""Silver rows of the tests' own, written as conform writes them."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import delete as sql_delete

from catalog.control.session import session_scope
from catalog.control.tables import CorrectionCase, Position
from catalog.model.layers import table_of
from catalog.model.registry import get_registry
from jobs.conform.tables import silver_columns
from jobs.runtime import delta

ANN, BEN, CAT = "11010519491231002X", "440524188001010014", "320311197707060018"


def instant(day: int) -> datetime:
    """Return noon of a day of March 2026."""
    return datetime(2026, 3, day, 4, tzinfo=UTC)


def silver_row(**values):
    """Return one silver row; what a contract has beyond is null."""
    kept = {"_is_deleted": False, "_flags": [], "_changes": [], "_batch_id": "b1", "_row_number": 1, **values}
    return {**kept, "_record_key": values.get("_record_key", str(values.get("record_no", "1")))}


def write(spark, resource, rows):
    """Merge ``rows`` into the silver table of ``resource``."""
    contract = get_registry().get(resource)
    columns = silver_columns(contract)
    delta.ensure(spark, table_of(contract), columns)
    types = {name: kind for name, kind, _ in columns}
    schema = ", ".join(f"`{name}` {kind}" for name, kind in types.items())
    data = [tuple(row.get(name) for name in types) for row in rows]
    delta.merge(spark, spark.createDataFrame(data, schema), table_of(contract), contract.key)


def library(spark, resource):
    """Return the rows of a base library by key."""
    contract = get_registry().get(resource)
    return {r[contract.key[0]]: r for r in delta.read(spark, table_of(contract)).collect()}


def forget(resource):
    """Have the next reconcile of ``resource`` begin anew, and drop the cases that other tests left."""
    with session_scope() as session:
        session.execute(sql_delete(Position).where(Position.consumer == resource))
        session.execute(sql_delete(CorrectionCase).where(CorrectionCase.resource == resource))
