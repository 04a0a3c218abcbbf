"""Which rows a flag lets stand, and which it does not: keys without even a form are set aside."""

from datetime import datetime

from catalog.model.ids import uscc
from catalog.model.registry import get_registry
from jobs.conform.judge import judge
from jobs.extract.bronze import bronze_columns

STEM = "91510107054935200"
SOUND = STEM + uscc.check_character(STEM)
WRONG = STEM + ("A" if SOUND[-1] != "A" else "B")
KEYS = {
    SOUND: ([], []),
    WRONG: ([], ["USCC_CHECKSUM"]),
    "915101070549352000000": (["USCC_LENGTH"], ["USCC_LENGTH"]),
    "915101070549352000": (["USCC_SPREADSHEET"], ["USCC_SPREADSHEET"]),
    "510100000012345": (["USCC_IS_REGISTRATION_NUMBER"], ["USCC_IS_REGISTRATION_NUMBER"]),
    "": (["REQUIRED_MISSING"], ["REQUIRED_MISSING"]),
}


def judged(spark, keys):
    """Return key → (reasons to set aside, flags) of registry rows that differ in their key only."""
    contract = get_registry().get("legal_entity.registry_sichuan")
    given = {"company_name": "成都路安汽修公司", "_operation": "I", "_received_at": datetime(2026, 3, 1)}
    columns = bronze_columns(contract)
    rows = [tuple({**given, "uscc": key}.get(name) for name, _, _ in columns) for key in keys]
    frame = spark.createDataFrame(rows, ", ".join(f"`{name}` {kind}" for name, kind, _ in columns))
    found = judge(frame, contract, None).selectExpr("_row.uscc AS raw", "_places.reason AS reasons", "_flags").collect()
    return {row["raw"]: (row["reasons"], row["_flags"]) for row in found}


def test_a_key_stands_with_a_flag_only_where_its_check_character_alone_is_wrong(spark):
    found = judged(spark, list(KEYS))
    assert len(found) == len(KEYS)
    assert found == KEYS
