"""The column expressions judge identifiers exactly as the pure functions do, on generated and damaged values."""

import random
from datetime import date, timedelta

import pytest

from catalog.model.codes import load_code_list
from catalog.model.ids import citizen_id, licence_id, uscc
from jobs.runtime.standards import apply_rules, identifiers

COUNT = 4000
DAMAGE = "0123456789XxO１ ．\n"


def damaged(value: str, rng: random.Random) -> str:
    """Return ``value`` with one character changed, dropped or added, or as it is."""
    at = rng.randrange(len(value))
    choices = [value, value[:at] + rng.choice(DAMAGE) + value[at + 1 :], value[:at] + value[at + 1 :], value + "0"]
    return rng.choice(choices)


def citizen_numbers(rng: random.Random) -> list[str]:
    prefixes = sorted({code.code for code in load_code_list("division").codes})
    made = []
    for _ in range(COUNT):
        born = date(1930, 1, 1) + timedelta(days=rng.randrange(34000))
        first = f"{rng.choice(prefixes)}{born:%Y%m%d}{rng.randrange(1000):03}"
        made.append(damaged(first + citizen_id.check_character(first), rng))
    return made


def credit_codes(rng: random.Random) -> list[str]:
    made = []
    for _ in range(COUNT):
        first = f"91{rng.randrange(110000, 659999)}" + "".join(rng.choices(uscc.ALPHABET, k=9))
        made.append(damaged(first + uscc.check_character(first), rng))
    return made


def licence_ids(rng: random.Random) -> list[str]:
    made = []
    for _ in range(COUNT):
        parts = ("11100000000013338W011", "11430000006122244L", f"{rng.randrange(10**9)}A", "001")
        text = f"{licence_id.ROOT}.{'.'.join(parts)}.{licence_id.check_character(*parts)}"
        made.append(damaged(text, rng))
    return made


CASES = {
    "citizen_id": (citizen_numbers, citizen_id.explain_citizen_id, identifiers.CITIZEN_ID),
    "uscc": (credit_codes, uscc.explain_uscc, identifiers.USCC),
    "licence_id": (licence_ids, licence_id.explain_licence_id, identifiers.LICENCE_ID),
}


@pytest.mark.parametrize("case", CASES)
def test_column_expression_agrees_with_the_pure_function(spark, case):
    make, explain, rule = CASES[case]
    values = make(random.Random(11643))
    frame = spark.createDataFrame([(v,) for v in values], "raw string")
    judged = apply_rules(frame, {"raw": rule})
    rows = judged.selectExpr("raw", "raw__value AS value", "raw__problem AS problem").collect()
    assert len(rows) == len(values)
    verdicts = {explain(r["value"]) for r in rows if r["value"]}
    assert len(verdicts) >= 3, "the sample must hold valid values and several faults"
    known = {code.code for code in load_code_list("division").codes}
    for row in rows:
        expected = explain(row["value"]) if row["value"] else None
        if case == "citizen_id" and expected is None and row["value"] and row["value"][:6] not in known:
            expected = "DIVISION_UNKNOWN"
        assert row["problem"] == expected, row["value"]


def test_old_citizen_number_is_brought_to_eighteen_places(spark):
    frame = spark.createDataFrame([("320311770706001",)], "raw string")
    row = apply_rules(frame, {"raw": identifiers.CITIZEN_ID}).collect()[0]
    assert (row["raw__value"], row["raw__rule"]) == ("320311197707060018", "CITIZEN_ID_UPGRADED")
