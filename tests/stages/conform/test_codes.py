"""Codes as column expressions: thousands looked up at once, and retired ones judged by the day they are used on."""

from datetime import date, datetime

from pyspark.sql import functions as F

from catalog.model.codes import HEADER, forget_code_lists, load_code_list
from catalog.model.contract import Contract
from jobs.conform.judge import judge
from jobs.extract.bronze import bronze_columns
from jobs.runtime.standards import apply_rules, values
from jobs.runtime.standards.lookup import looked_up
from tests.stages.extract.shop_contract import contract_document, file_source

COLUMNS = {"uscc": "统一社会信用代码", "place_code": "区划", "seat_code": "驻地", "opened_date": "开业日期"}
ITEMS = {
    "place_code": {"standard": "division", "valid_on": "opened_date"},
    "seat_code": {"standard": "division", "valid_on": "source_time", "on_failure": "flag"},
    "opened_date": {"standard": "date"},
}


def test_a_table_of_thousands_is_looked_up_whole(spark):
    table = {code.code: code.name for code in load_code_list("division").codes}
    keys = [*table, "", "000000", 'x"y', "开业", None]
    assert len(table) > 6000
    frame = spark.createDataFrame([(key,) for key in keys], "key string")
    rows = frame.select("key", looked_up(table, F.col("key")).alias("found")).collect()
    assert len(rows) == len(keys)
    assert {row["key"]: row["found"] for row in rows} == {key: table.get(key) for key in keys}
    assert [row["found"] for row in frame.limit(3).select(looked_up({}, F.col("key")).alias("found")).collect()] == [
        None
    ] * 3


def test_a_list_may_mend_thousands_of_values(spark, code_folder):
    lines = [f"{n:04},状态{n},,,canonical," for n in range(50)]
    lines += [f"写法'{n}\\,状态,,,fixable,{n % 50:04}" for n in range(3000)] + ["无,无,,,ignored,"]
    (code_folder / "trial.csv").write_text("\n".join([",".join(HEADER), *lines]) + "\n", encoding="utf-8")
    forget_code_lists()
    raws = {f"写法'{n}\\": (f"{n % 50:04}", None) for n in range(3000)}
    raws |= {"0007": ("0007", None), "无": (None, None), "": (None, None), "写法": ("写法", "CODE_UNKNOWN")}
    frame = spark.createDataFrame([(raw,) for raw in raws], "raw string")
    judged = apply_rules(frame, {"raw": values.code_rule("trial")}).collect()
    assert {row["raw"]: (row["raw__value"], row["raw__problem"]) for row in judged} == raws


def shop_contract(items: dict) -> Contract:
    document = contract_document(file_source(), columns=COLUMNS)
    document["schema"][0]["properties"][3]["logicalType"] = "date"
    document["government"]["items"] |= items
    return Contract.model_validate(document)


def verdicts(spark, contract: Contract, rows: dict[str, tuple]) -> dict[str, tuple[list[str], list[str]]]:
    """Return key → (reasons, flags) of rows given as place, seat, opening day and source time."""
    columns = bronze_columns(contract)
    given = {"_operation": "I", "_received_at": datetime(2026, 3, 1)}
    names = ("place_code", "seat_code", "opened_date", "_source_at")
    made = [{**given, "uscc": key, **dict(zip(names, row, strict=True))} for key, row in rows.items()]
    frame = spark.createDataFrame(
        [tuple(row.get(name) for name, _, _ in columns) for row in made],
        ", ".join(f"`{name}` {kind}" for name, kind, _ in columns),
    )
    found = judge(frame, contract, None).selectExpr("uscc", "_places.reason AS reasons", "_flags", "_unmapped")
    return {row["uscc"]: (row["reasons"], row["_flags"]) for row in found.collect()}


def test_a_code_is_judged_by_the_day_it_is_used_on(spark):
    ended = load_code_list("division").retired["510122"]
    assert date(1999, 1, 1) < ended < date(2020, 1, 1), "双流县 became a district between"
    before, after = datetime(1999, 1, 1), datetime(2020, 1, 1)
    found = verdicts(spark, shop_contract(ITEMS), {
        "used while in force": ("510122", None, "1999-01-01", after),
        "used on its last day": ("510122", None, ended.isoformat(), after),
        "used after": ("510122", None, "2020-01-01", after),
        "no day": ("510122", None, None, after),
        "the successor": ("510116", None, "2020-01-01", after),
        "no division at all": ("999999", None, "2020-01-01", after),
        "source changed while in force": (None, "510122", None, before),
        "source changed after": (None, "510122", None, after),
        "arrived after": (None, "510122", None, None),
    })  # fmt: skip
    retired, flagged = (["CODE_RETIRED"], []), ([], ["CODE_RETIRED"])
    assert found == {
        "used while in force": ([], []), "used on its last day": ([], []), "used after": retired, "no day": ([], []),
        "the successor": ([], []), "no division at all": (["DIVISION_UNKNOWN"], []),
        "source changed while in force": ([], []), "source changed after": flagged, "arrived after": flagged,
    }  # fmt: skip


def test_without_the_contracts_word_a_retired_code_stands(spark):
    contract = shop_contract({"place_code": {"standard": "division"}, "opened_date": {"standard": "date"}})
    found = verdicts(spark, contract, {"old": ("510122", None, "2020-01-01", datetime(2020, 1, 1))})
    assert found == {"old": ([], [])}
