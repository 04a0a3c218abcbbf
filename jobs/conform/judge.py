"""Judge every row at once (逐行判定): standard values, reasons to set a row aside, flags on rows that stand."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.model.contract import Contract, Property
from jobs.runtime.standards import Outcome, standardise

ZONE = "Asia/Shanghai"
_PLACE = "struct<column:string,reason:string>"


def judge(rows: DataFrame, contract: Contract, previous_date: date | None) -> DataFrame:
    """Return bronze ``rows`` with standard values and what is wrong with them.

    Args:
        rows: bronze rows, all text.
        contract: the silver contract.
        previous_date: business date of the batch before; rows whose source time is older are late.

    Returns:
        The contract's columns in their types; ``_places`` (column and reason, empty for a sound row), ``_flags``,
        ``_changes``, ``_is_deleted``, ``_row`` (raw text) and the pipeline's columns.
    """
    outcomes = {p.name: standardise(F.col(p.name), contract.item(p.name)) for p in contract.properties}
    is_deleted = F.col("_operation") == "D"
    problems = {p.name: _problem(p, outcomes, contract, is_deleted) for p in contract.properties}
    set_aside = {c: problem for c, problem in problems.items() if contract.item(c).on_failure == "set_aside"}
    flagged = [problem for c, problem in problems.items() if c not in set_aside]
    late = _is_late(previous_date)
    flags = [*flagged, *_noteworthy(outcomes), F.when(late, F.lit("LATE_ROW"))]
    values = [_usable(outcomes[p.name], problems[p.name], p, contract).alias(p.name) for p in contract.properties]
    return rows.select(
        *values,
        _compact([F.when(r.isNotNull(), _struct(c, r)) for c, r in set_aside.items()], _PLACE).alias("_places"),
        F.array_distinct(_compact(flags, "string")).alias("_flags"),
        _changes(outcomes).alias("_changes"),
        is_deleted.alias("_is_deleted"),
        F.create_map(*[x for p in contract.properties for x in (F.lit(p.name), F.col(p.name))]).alias("_row"),
        F.coalesce(F.col("_source_at"), F.col("_received_at")).alias("_source_at"),
        *["_batch_id", "_record_key", "_source", "_source_file", "_row_number"],
    )


def _usable(outcome: Outcome, problem: Column, column: Property, contract: Contract) -> Column:
    """Return the value, null where it is wrong: except identifiers accepted with a flag, which stay readable."""
    if contract.item(column.name).on_failure == "flag":
        return outcome.value.cast(column.spark_type)
    return F.when(problem.isNull(), outcome.value).cast(column.spark_type)


def _problem(column: Property, outcomes: dict[str, Outcome], contract: Contract, is_deleted: Column) -> Column:
    """Return the reason code of ``column``, or null; of a deletion only the key matters."""
    outcome = outcomes[column.name]
    problem = outcome.problem
    if column.required or column.primary_key:
        problem = F.coalesce(problem, F.when(outcome.value.isNull(), F.lit("REQUIRED_MISSING")))
    contradiction = _contradiction(column, outcomes, contract)
    if contradiction is not None:
        problem = F.coalesce(problem, contradiction)
    return problem if column.primary_key else F.when(~is_deleted, problem)


def _contradiction(column: Property, outcomes: dict[str, Outcome], contract: Contract) -> Column | None:
    """Return the reason when a birth date or sex code contradicts the citizen number of the same row."""
    other = contract.item(column.name).agrees_with
    if other is None:
        return None
    number = F.when(outcomes[other].problem.isNull(), outcomes[other].value)
    value = outcomes[column.name].value
    if contract.item(column.name).standard == "date":
        return F.when(
            F.date_format(value, "yyyyMMdd") != F.substring(number, 7, 8), F.lit("BIRTH_DATE_CONTRADICTS_NUMBER")
        )
    is_male = (F.ascii(F.substring(number, 17, 1)) - 48) % 2 == 1
    wrong = value.isin("1", "2") & (value != F.when(is_male, F.lit("1")).otherwise(F.lit("2")))
    return F.when(wrong, F.lit("SEX_CONTRADICTS_NUMBER"))


def _is_late(previous_date: date | None) -> Column:
    if previous_date is None:
        return F.lit(False)
    return F.to_date(F.from_utc_timestamp(F.col("_source_at"), ZONE)) < F.lit(previous_date)


def _noteworthy(outcomes: dict[str, Outcome]) -> list[Column]:
    """Return the rules (those in capitals) that people want to see as flags, not only as changes of form."""
    return [F.when(o.rule.rlike(r"\A[A-Z0-9_]+\z"), o.rule) for o in outcomes.values()]


def _changes(outcomes: dict[str, Outcome]) -> Column:
    entries = [
        F.when(
            o.rule.isNotNull(),
            F.struct(F.lit(name).alias("column"), F.col(name).alias("raw"), o.rule.alias("rule")),
        )
        for name, o in outcomes.items()
    ]
    return _compact(entries, "struct<column:string,raw:string,rule:string>")


def _struct(column: str, reason: Column) -> Column:
    return F.struct(F.lit(column).alias("column"), reason.alias("reason"))


def _compact(entries: list[Column], element_type: str) -> Column:
    """Return the entries that are not null, as an array."""
    return F.array_compact(F.array(*entries)).cast(f"array<{element_type}>")
