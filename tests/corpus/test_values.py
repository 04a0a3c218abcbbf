"""Every class of bad value is set aside for its reason and no other, by the rules that conform really runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pyspark.sql import functions as F

from catalog.model.contract import Contract
from jobs.conform.judge import judge
from jobs.extract.bronze import bronze_columns
from tests.corpus.value_cases import CASES
from tests.stages.extract.shop_contract import contract_document, file_source

LOGICAL = {"date": "date", "instant": "timestamp", "decimal": "number", "integer": "integer", "boolean": "boolean"}


def value_contract() -> Contract:
    """Return a contract with one column for each standard that a case names."""
    standards = list(dict.fromkeys(case.standard for case in CASES))
    columns = {"case_id": "编号"} | {f"the_{standard}": standard for standard in standards}
    document: dict[str, Any] = contract_document(file_source(key=["case_id"]), "value", columns)
    for standard in standards:
        item: dict[str, Any] = {"from": [standard], "standard": standard}
        document["government"]["items"][f"the_{standard}"] = item | ({"code_list": "sex"} if standard == "code" else {})
    for column in document["schema"][0]["properties"]:
        logical = LOGICAL.get(column["businessName"])
        column |= {"logicalType": logical} if logical else {}
    return Contract.model_validate(document)


def test_every_value_meets_its_verdict(spark):
    contract = value_contract()
    columns = bronze_columns(contract)
    stamps = {"_operation": "I", "_received_at": datetime(2026, 3, 1)}
    given = [{**stamps, "case_id": case.id, f"the_{case.standard}": case.raw} for case in CASES]
    rows = [tuple(row.get(name) for name, _, _ in columns) for row in given]
    frame = spark.createDataFrame(rows, ", ".join(f"`{name}` {kind}" for name, kind, _ in columns))
    judged = judge(frame, contract, None)
    judged = judged.select("_places", *[F.col(c).cast("string") for c in contract.columns])
    found = {row["case_id"]: row for row in judged.collect()}
    assert len(found) == len(CASES) >= 30
    wrong = {}
    for case in CASES:
        row, column = found[case.id], f"the_{case.standard}"
        places = [(place["column"], place["reason"]) for place in row["_places"]]
        expected = [(column, case.reason)] if case.reason else []
        if places != expected or row[column] != case.value:
            wrong[case.id] = (case.raw, places, row[column])
    assert wrong == {}
