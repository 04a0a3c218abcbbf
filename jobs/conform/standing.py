"""Rows that stand as they were written, seen first and kept apart (原样先行): only the others go through all steps.

In a well-kept source nine rows of ten need no change. One flat look at each value finds them in a third of the time
that the steps take; the same pass writes them typed and sets the others apart, so that nothing is looked at twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.model.contract import Contract, Property
from jobs.conform.judge import (
    CHANGE,
    PLACE,
    UNMAPPED,
    carried,
    compact,
    contradicts_birth,
    contradicts_sex,
    judge,
    late,
    names_record,
)
from jobs.runtime.spark import many_expressions
from jobs.runtime.stage import StageRun
from jobs.runtime.staging import staged
from jobs.runtime.standards.standing import standing_of

LOOKING_PAYS = 100_000
"""Rows from which a pass of its own that looks for standing rows costs less than it saves."""
_STANDS = "_stands"
BRONZE = (
    "_operation", "_received_at", "_source_at", "_batch_id", "_record_key", "_source", "_source_file", "_row_number",
    "_row_id",
)  # fmt: skip
"""The pipeline's columns of a bronze row that judging reads."""


@contextmanager
def judged_rows(
    spark: SparkSession,
    rows: DataFrame,
    contract: Contract,
    previous_date: date | Column | None,
    count: int,
    run: StageRun,
    name: str = "judged",
) -> Iterator[DataFrame]:
    """Yield bronze ``rows`` as ``judge`` returns them, written out; the same whichever way they were judged.

    Args:
        spark: the session.
        rows: bronze rows, all text.
        contract: the silver contract.
        previous_date: business date of the batch before, or of each row's batch.
        count: how many rows there are.
        run: the stage's run, which names the folder that they are written to.
        name: of the result within the run.
    """
    with ExitStack() as stack:
        with many_expressions(spark, count):
            if count < LOOKING_PAYS or not may_stand(contract):
                judged = stack.enter_context(staged(spark, judge(rows, contract, previous_date), run, name))
            else:
                seen = look(rows, contract)
                seen = stack.enter_context(staged(spark, seen, run, f"{name}_looked", apart=_STANDS))
                rest = judge(seen.where(f"{_STANDS} = 0"), contract, previous_date)
                rest = stack.enter_context(staged(spark, rest, run, name))
                judged = as_judged(seen.where(f"{_STANDS} = 1"), contract, previous_date).unionByName(rest)
        yield judged


def may_stand(contract: Contract) -> bool:
    """Return whether a row of the contract could stand: whether each of its columns can be told at a look."""
    return all(standing_of(contract.item(column)) for column in contract.columns)


def look(rows: DataFrame, contract: Contract) -> DataFrame:
    """Return bronze ``rows`` with ``_stands``, 1 or 0, and ``<column>__typed`` of every column that is not text.

    Where a row does not stand its typed values mean nothing.
    """
    told = [F.col("_operation") != "D", names_record(contract)]
    stands = reduce(and_, [*told, *[_stands(p, contract) for p in contract.properties]])
    typed = [
        F.col(p.name).try_cast(p.spark_type).alias(f"{p.name}__typed")
        for p in contract.properties
        if p.spark_type != "string"
    ]
    is_standing = F.coalesce(stands, F.lit(False)).cast("int").alias(_STANDS)
    return rows.select(*contract.raw_columns, *BRONZE, *typed, is_standing)


def _stands(column: Property, contract: Contract) -> Column:
    """Return whether the value of ``column`` stands, alone and beside the citizen number that it must agree with."""
    item, raw = contract.item(column.name), F.col(column.name)
    condition = standing_of(item)
    if condition is None:
        raise ValueError(f"{contract.id}: column {column.name} cannot be told at a look")
    stands = condition(raw)
    if item.agrees_with is not None:
        number = F.col(item.agrees_with)
        is_date = item.standard == "date"
        wrong = contradicts_birth(F.replace(raw, F.lit("-")), number) if is_date else contradicts_sex(raw, number)
        stands = stands & ~F.coalesce(wrong, F.lit(False))
    return stands if column.required or column.primary_key else raw.isNull() | stands


def as_judged(standing: DataFrame, contract: Contract, previous_date: date | Column | None) -> DataFrame:
    """Return rows that stand, of ``look``, as ``judge`` returns them: nothing is wrong with them, nothing changed."""
    values = [p.name if p.spark_type == "string" else f"{p.name}__typed" for p in contract.properties]
    nothing = {"_places": PLACE, "_changes": CHANGE, "_unmapped": UNMAPPED}
    found = {name: F.array().cast(f"array<{element}>") for name, element in nothing.items()}
    found["_flags"] = compact([late(previous_date)], "string")
    return standing.select(
        *[F.col(value).alias(p.name) for value, p in zip(values, contract.properties, strict=True)],
        *[found[name].alias(name) for name in ("_places", "_flags", "_changes", "_unmapped")],
        F.lit(False).alias("_is_deleted"),
        *carried(contract),
    )
