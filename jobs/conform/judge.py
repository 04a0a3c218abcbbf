"""Judge every row at once (逐行判定): standard values, reasons to set a row aside, flags on rows that stand."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.model.codes import load_code_list
from catalog.model.contract import SOURCE_TIME, Contract, Property
from catalog.model.version_order import TOLERANCE
from jobs.runtime.standards import apply_rules, rule_of
from jobs.runtime.standards.values import last_day

ZONE = "Asia/Shanghai"
WORKLIST_REASONS = ("CODE_UNKNOWN", "CODE_RETIRED", "DIVISION_UNKNOWN", "DIVISION_LENGTH", "DIVISION_FORMAT")
"""Reasons that somebody who looks after the code list can do something about; all but a retired code are unknown."""
PLACE = "struct<column:string,reason:string>"
UNMAPPED = "struct<column:string,code_list:string,reason:string,value:string>"
CHANGE = "struct<column:string,raw:string,rule:string>"


def judge(rows: DataFrame, contract: Contract, previous_date: date | Column | None) -> DataFrame:
    """Return bronze ``rows`` with standard values and what is wrong with them.

    Args:
        rows: bronze rows, all text.
        contract: the silver contract.
        previous_date: business date of the batch before, or of each row's batch; rows whose source time is older are
            late.

    Returns:
        The contract's columns in their types; ``_places`` (column and reason, empty for a sound row), ``_flags``,
        ``_changes``, ``_unmapped`` (codes that the lists do not know, or no longer), ``_is_deleted``, ``_row`` (raw
        text) and the pipeline's columns.
    """
    origins = {c: of for c in contract.columns if (of := contract.item(c).of)}
    standard = apply_rules(rows, {c: rule_of(contract.item(c)) for c in contract.columns}, origins)
    standard = standard.withColumn("_is_deleted", F.col("_operation") == "D")
    standard = standard.withColumns({f"{p.name}__problem": _problem(p, contract) for p in contract.properties})
    return standard.select(
        *[_usable(p, contract).alias(p.name) for p in contract.properties],
        _places(contract).alias("_places"),
        _flags(contract, previous_date).alias("_flags"),
        _changes(contract).alias("_changes"),
        _unmapped(contract).alias("_unmapped"),
        "_is_deleted",
        *carried(contract),
    )


def carried(contract: Contract) -> list[Column]:
    """Return what every judged row keeps of its bronze row: ``_row``, the raw text, and the pipeline's columns."""
    return [
        F.create_map(*[x for c in contract.raw_columns for x in (F.lit(c), F.col(c))]).alias("_row"),
        F.coalesce(F.col("_source_at"), F.col("_received_at")).alias("_source_at"),
        *map(F.col, ["_batch_id", "_record_key", "_source", "_source_file", "_row_number", "_row_id"]),
    ]


def _problem(column: Property, contract: Contract) -> Column:
    """Return the reason code of ``column``, or null; a deletion needs no more than the record's own key."""
    problem = F.col(f"{column.name}__problem")
    if column.required or column.primary_key:
        problem = F.coalesce(problem, F.when(F.col(f"{column.name}__value").isNull(), F.lit("REQUIRED_MISSING")))
    for further in (_retirement(column, contract), _contradiction(column, contract)):
        if further is not None:
            problem = F.coalesce(problem, further)
    return F.when(~F.col("_is_deleted"), problem)


def _retirement(column: Property, contract: Contract) -> Column | None:
    """Return the reason when a code had retired before the day on which the contract says it was used."""
    valid_on, code_list = contract.item(column.name).valid_on, contract.code_list_of(column.name)
    if valid_on is None or code_list is None:
        return None
    day = _source_day() if valid_on == SOURCE_TIME else F.col(f"{valid_on}__value")
    return F.when(last_day(F.col(f"{column.name}__value"), load_code_list(code_list)) < day, F.lit("CODE_RETIRED"))


def _source_day() -> Column:
    """Return the day of the source's change, or of the batch's arrival where the source says none, or one to come."""
    received = F.col("_received_at")
    is_ahead = F.col("_source_at") > received + F.lit(TOLERANCE)
    moment = F.when(is_ahead, received).otherwise(F.coalesce(F.col("_source_at"), received))
    return F.to_date(F.from_utc_timestamp(moment, ZONE))


def _contradiction(column: Property, contract: Contract) -> Column | None:
    """Return the reason when a birth date or sex code contradicts the citizen number of the same row."""
    item = contract.item(column.name)
    if item.agrees_with is None:
        return None
    number = F.when(F.col(f"{item.agrees_with}__problem").isNull(), F.col(f"{item.agrees_with}__value"))
    value = F.col(f"{column.name}__value")
    if item.standard == "date":
        wrong = contradicts_birth(F.date_format(value, "yyyyMMdd"), number)
        return F.when(wrong, F.lit("BIRTH_DATE_CONTRADICTS_NUMBER"))
    return F.when(contradicts_sex(value, number), F.lit("SEX_CONTRADICTS_NUMBER"))


def contradicts_birth(day: Column, number: Column) -> Column:
    """Return whether ``day``, as yyyymmdd, is not the birth date in a citizen number; null where either is."""
    return day != F.substring(number, 7, 8)


def contradicts_sex(code: Column, number: Column) -> Column:
    """Return whether a code for male or female is not the sex in a citizen number; null where either is."""
    is_male = F.ascii(F.substring(number, 17, 1)) % 2 == 1
    wrong = code.isin("1", "2") & (code != F.when(is_male, F.lit("1")).otherwise(F.lit("2")))
    return wrong & number.isNotNull()


def _usable(column: Property, contract: Contract) -> Column:
    """Return the value, null where it is wrong; what is accepted with a flag stays readable."""
    value = F.col(f"{column.name}__value")
    if contract.item(column.name).on_failure != "flag":
        value = F.when(F.col(f"{column.name}__problem").isNull(), value)
    return value.cast(column.spark_type)


def _places(contract: Contract) -> Column:
    """Return column and reason of everything that sets the row aside."""
    entries = [_without_record_key(contract)]
    for column in contract.properties:
        reason = _refusal(column, contract)
        if reason is not None:
            place = F.struct(F.lit(column.name).alias("column"), reason.alias("reason"))
            entries.append(F.when(reason.isNotNull(), place))
    return compact(entries, PLACE)


def _without_record_key(contract: Contract) -> Column:
    """Return the place of a row that names no record: all such rows would be taken for one record's versions."""
    place = F.struct(F.lit(contract.source.key[0]).alias("column"), F.lit("REQUIRED_MISSING").alias("reason"))
    return F.when(~names_record(contract), place)


def names_record(contract: Contract) -> Column:
    """Return whether a row says which record of the source it is of; for keys of the contract rules ask that."""
    own = [F.col(c) for c in contract.source.key if c not in contract.key]
    if len(own) < len(contract.source.key):
        return F.lit(True)
    return F.coalesce(F.trim(F.concat_ws("", *own)) != "", F.lit(False))


def _refusal(column: Property, contract: Contract) -> Column | None:
    """Return the reason for which ``column`` sets a row aside, or nothing when it never does.

    A key stands with a flag only where its check character alone is wrong: what has not even the form of a key
    names nothing that another source could know.
    """
    problem = F.col(f"{column.name}__problem")
    if contract.item(column.name).on_failure == "set_aside":
        return problem
    return F.when(~problem.endswith("_CHECKSUM"), problem) if column.primary_key else None


def _flags(contract: Contract, previous_date: date | Column | None) -> Column:
    """Return the reasons accepted with a flag, the noteworthy changes (those in capitals), and lateness."""
    flagged = [F.col(f"{c}__problem") for c in contract.columns if contract.item(c).on_failure == "flag"]
    rules = [F.col(f"{c}__rule") for c in contract.columns if rule_of(contract.item(c)).noteworthy]
    noteworthy = [F.when(rule.rlike(r"\A[A-Z0-9_]+\z"), rule) for rule in rules]
    return F.array_distinct(compact([*flagged, *noteworthy, late(previous_date)], "string"))


def late(previous_date: date | Column | None) -> Column:
    """Return the flag of a row that is older than the batch before it, or null."""
    if previous_date is None:
        return F.lit(None).cast("string")
    local_day = F.to_date(F.from_utc_timestamp(F.col("_source_at"), ZONE))
    before = previous_date if isinstance(previous_date, Column) else F.lit(previous_date)
    return F.when(local_day < before, F.lit("LATE_ROW"))


def _changes(contract: Contract) -> Column:
    entries = []
    for column in contract.columns:
        rule, raw = F.col(f"{column}__rule"), F.col(contract.item(column).of or column)
        change = F.struct(F.lit(column).alias("column"), raw.alias("raw"), rule.alias("rule"))
        entries.append(F.when(rule.isNotNull(), change))
    return compact(entries, CHANGE)


def _unmapped(contract: Contract) -> Column:
    """Return column, list, reason and clean value of every code that a person must look at."""
    entries = []
    for column in contract.columns:
        code_list = contract.code_list_of(column)
        if code_list is not None:
            problem = F.col(f"{column}__problem")
            reason = F.when(problem == "CODE_RETIRED", problem).otherwise(F.lit("CODE_UNKNOWN"))
            parts = {"column": F.lit(column), "code_list": F.lit(code_list), "reason": reason}
            parts["value"] = F.col(f"{column}__value")
            entry = F.struct(*[part.alias(name) for name, part in parts.items()])
            entries.append(F.when(problem.isin(*WORKLIST_REASONS), entry))
    return compact(entries, UNMAPPED)


def compact(entries: list[Column], element_type: str) -> Column:
    """Return the entries that are not null, as an array."""
    return F.array_compact(F.array(*entries)).cast(f"array<{element_type}>")
