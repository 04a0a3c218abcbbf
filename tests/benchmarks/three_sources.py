"""Persons in three departments' conformed tables, made inside Spark so that making them costs little."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from catalog.control.ledger import record_ledger
from catalog.control.session import session_scope
from catalog.model.layers import table_of
from catalog.model.registry import Registry
from catalog.model.settings import Settings
from jobs.conform.tables import silver_columns
from jobs.runtime import delta
from tests.benchmarks.stacks import RESOURCES

SOURCES = ("population.bench_household", "population.bench_insurance", "population.bench_driver")
SHARES = {"population.bench_household": 20, "population.bench_insurance": 14, "population.bench_driver": 8}
"""Of twenty persons, how many each source knows."""
MISSPELT = 5000
"""One in so many names differs in the second source."""


def persons(spark: SparkSession, resource: str, low: int, high: int, day: int) -> DataFrame:
    """Return silver rows of the persons numbered from ``low``; of a later ``day`` their address has moved."""
    columns = {
        "citizen_id": "concat('510107', lpad(id, 11, '0'), 'X')",
        "record_no": "cast(id AS string)",
        "name": f"""concat('示范', char(19968 + id % 5000), CASE WHEN '{resource}' = '{SOURCES[1]}'
                    AND id % {MISSPELT} = 3 AND {day} = 1 THEN '佳' ELSE '甲' END)""",
        "sex_code": "cast(1 + id % 2 AS string)",
        "birth_date": "date_add(date '1950-01-01', cast(id % 20000 AS int))",
        "division_code": "'510107'",
        "address": f"concat('示范街道', id % 977, '号附', {day}, '号')",
        "phone": f"concat('138', lpad((id + {day}) % 100000000, 8, '0'))",
        "employer_uscc": "concat('91510107MB', lpad(id % 20000, 8, '0'))",
        "_batch_id": f"'bench-{day}'",
        "_record_key": "cast(id AS string)",
        "_source_at": f"timestamp '2026-02-0{day} 08:00:00'",
        "_is_deleted": "false",
        "_flags": "cast(array() AS array<string>)",
        "_changes": "cast(array() AS array<struct<column:string,raw:string,rule:string>>)",
        "_row_number": "id",
    }
    contract = Registry(RESOURCES).get(resource)
    rows = spark.range(low, high).where(f"id % 20 < {SHARES[resource]}")
    made = [f"cast({columns.get(name, 'NULL')} AS {kind}) AS `{name}`" for name, kind, _ in silver_columns(contract)]
    return rows.selectExpr("id AS _id", *made)


def make_first_day(spark: SparkSession, settings: Settings, count: int) -> None:
    """Make the three silver tables of ``count`` persons, and tell the ledger."""
    for resource in SOURCES:
        contract = Registry(RESOURCES).get(resource)
        table = table_of(contract, settings.lake_uri)
        delta.ensure(spark, table, silver_columns(contract))
        persons(spark, resource, 0, count, 1).drop("_id").writeTo(table.sql).append()
        with session_scope(settings.require("control_url")) as session:
            record_ledger(
                session, resource=resource, stage="extract", table_name="bronze", batch_id="bench-1", read=count,
                accepted=count,
            )  # fmt: skip


def make_next_day(spark: SparkSession, settings: Settings, count: int, changed: int) -> None:
    """Change about ``changed`` persons in each source, spread over all of them."""
    step = max(1, count // changed)
    for resource in SOURCES:
        contract = Registry(RESOURCES).get(resource)
        table = table_of(contract, settings.lake_uri)
        rows = persons(spark, resource, 0, count, 2).where(f"(_id DIV 20) % {step} = 0").drop("_id")
        delta.merge(spark, rows, table, contract.key)
