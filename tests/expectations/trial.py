"""A resource of the tests' own: its contract, good rows, and the table they stand in."""

from __future__ import annotations

import copy
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import DataFrame, SparkSession

from catalog.model.contract import Contract
from catalog.model.ids.citizen_id import check_character
from catalog.model.layers import Table

RESOURCE = "trial.resident"
CONTRACT: dict[str, Any] = {
    "apiVersion": "v3.0.2",
    "kind": "DataContract",
    "id": RESOURCE,
    "name": "resident",
    "version": "1.0.0",
    "status": "active",
    "domain": "trial",
    "description": {"purpose": "A table for the gate to judge."},
    "schema": [
        {
            "name": "resident",
            "businessName": "居民",
            "properties": [
                {"name": "citizen_id", "businessName": "公民身份号码", "required": True, "primaryKey": True,
                 "classification": "personal"},
                {"name": "full_name", "businessName": "姓名", "required": True, "classification": "personal"},
                {"name": "sex_code", "businessName": "性别代码"},
                {"name": "birth_date", "businessName": "出生日期", "logicalType": "date"},
                {"name": "employer_uscc", "businessName": "单位信用代码"},
                {"name": "income", "businessName": "收入", "logicalType": "number"},
            ],
        }
    ],
    "government": {
        "layer": "silver",
        "department": "public_security",
        "resource_code": "101001/1",
        "source": {"kind": "file", "server": "trial", "key": ["citizen_id"], "format": "csv"},
        "items": {
            "citizen_id": {"standard": "citizen_id"},
            "sex_code": {"standard": "code", "code_list": "sex"},
            "birth_date": {"standard": "date", "agrees_with": "citizen_id"},
            "employer_uscc": {"standard": "uscc", "on_failure": "flag"},
            "income": {"standard": "decimal"},
        },
        "bounds": {"floor": 3, "ceiling": 50},
    },
}  # fmt: skip
SPARK_SCHEMA = (
    "citizen_id string, full_name string, sex_code string, birth_date date, employer_uscc string, "
    "income decimal(20,4), _record_key string, _source string, _source_file string, _row_number bigint, "
    "_batch_id string, _row_hash string, _recorded_at timestamp, _is_deleted boolean, _flags array<string>"
)
USCC = "91350100M000100Y43"


def citizen(number: int) -> str:
    first = f"11010519491231{number:03d}"
    return first + check_character(first)


def row(number: int, **changes: Any) -> dict[str, Any]:
    """Return a good row, with changes."""
    good: dict[str, Any] = {
        "citizen_id": citizen(number),
        "full_name": f"甲{number}",
        "sex_code": "1",
        "birth_date": date(1949, 12, 31),
        "employer_uscc": USCC,
        "income": Decimal("1.0000"),
        "_record_key": f"r{number}",
        "_source": "trial",
        "_source_file": "a.csv",
        "_row_number": number,
        "_batch_id": "b1",
        "_row_hash": "h",
        "_recorded_at": datetime(2026, 1, 1, tzinfo=UTC),
        "_is_deleted": False,
        "_flags": [],
    }
    return {**good, **changes}


def rows(count: int = 10) -> list[dict[str, Any]]:
    return [row(number) for number in range(1, count + 1)]


def frame_of(spark: SparkSession, records: list[dict[str, Any]], schema: str = SPARK_SCHEMA) -> DataFrame:
    names = [part.strip().split(" ")[0] for part in schema.replace("decimal(20,4)", "decimal").split(", ")]
    return spark.createDataFrame([tuple(record.get(name) for name in names) for record in records], schema)


def write(frame: DataFrame, table: Table) -> None:
    """Replace the table, schema and all: the next version."""
    frame.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(table.uri)


def contract_of(**government: Any) -> Contract:
    return Contract.model_validate(document(**government))


def document(**government: Any) -> dict[str, Any]:
    made = copy.deepcopy(CONTRACT)
    made["government"].update(government)
    return made


def write_contract(folder: Path, made: dict[str, Any]) -> Path:
    path = folder / made["domain"] / f"{made['name']}.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(made, allow_unicode=True), encoding="utf-8")
    return path
