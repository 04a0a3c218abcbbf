"""The flat conditions of finished tables say what the library says, on right values and on every kind of damage."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import pytest
from pyspark.sql import functions as F

from catalog.model.element_format import parse_format
from catalog.model.ids.citizen_id import check_character, explain_citizen_id
from catalog.model.ids.division import is_valid_division
from catalog.model.ids.licence_id import is_valid_licence_id
from catalog.model.ids.organisation_code import is_valid_organisation_code
from catalog.model.ids.registration_number import is_valid_registration_number
from catalog.model.ids.uscc import is_valid_uscc
from jobs.runtime.standards.soundness import SOUND, has_format, in_order, is_division_on, is_sound_citizen_id
from tests.generated.companies import companies

LICENCE = "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U"
ODD = [
    "",
    " ",
    "X",
    "0" * 18,
    "１" * 18,
    "9" * 18,
    "中" * 18,
    "11010519491231002x",
    "\u0000" * 18,
    "-" * 18,
    "+" + "1" * 17,
]


def is_sound_citizen(value: str) -> bool:
    return len(value) == 18 and explain_citizen_id(value) is None


LIBRARY = {
    "citizen_id": is_sound_citizen,
    "uscc": is_valid_uscc,
    "organisation_code": is_valid_organisation_code,
    "registration_number": is_valid_registration_number,
    "licence_id": is_valid_licence_id,
    "division": is_valid_division,
}


def citizens() -> list[str]:
    stems = [
        "11010519490229001", "11010520000229001", "11010519000229001", "11010300010101001", "11010300000101001",
        "11010320150101001", "81000019940823002", "99999919900101001", "11010518500630001", "11010519491331001",
    ]  # fmt: skip
    return [stem + check_character(stem) for stem in stems]


def samples(standard: str) -> list[str]:
    table = companies(120, seed=3)
    usccs = [str(v).upper() for v in table["uscc"].to_pylist() if str(v).isascii()]
    good = {
        "citizen_id": [*citizens(), *table["representative_citizen_id"].to_pylist()],
        "uscc": usccs,
        "organisation_code": [code[8:17] for code in usccs],
        "registration_number": ["510100000012345", "110000000000004", *[f"5101{n:010}{n % 10}" for n in range(60)]],
        "licence_id": [LICENCE],
        "division": [*table["division_code"].to_pylist(), "510122", "000000", "110000", "999999"],
    }[standard]
    return [*good, *_damaged(good), *ODD]


def _damaged(values: list[str]) -> list[str]:
    chance = random.Random(11)
    made = []
    for value in values:
        place = chance.randrange(len(value))
        made.append(value[:place] + chance.choice("0123456789AIOSVXZ") + value[place + 1 :])
        made += [value + "\n", " " + value, value[:-1], value + "0", value.lower()]
    return made


@pytest.mark.parametrize("standard", sorted(SOUND))
def test_condition_and_library_agree(spark: Any, standard: str) -> None:
    values = list(dict.fromkeys(samples(standard)))
    frame = spark.createDataFrame([(v,) for v in values], "v string")
    found = {r["v"]: r["sound"] for r in frame.select("v", SOUND[standard](F.col("v")).alias("sound")).collect()}
    assert len(found) == len(values) > 12
    assert {v: s for v, s in found.items() if s != LIBRARY[standard](v)} == {}
    assert set(found.values()) == {True, False}


def test_division_at_birth_can_be_left_out(spark: Any) -> None:
    stem = "99010519491231001"
    values = [(stem + check_character(stem),), (citizens()[1],), ("110105194902300022",)]
    value = F.col("v")
    found = spark.createDataFrame(values, "v string").select(
        is_sound_citizen_id(value).alias("at_birth"), is_sound_citizen_id(value, at_birth=False).alias("alone")
    )
    assert [tuple(row) for row in found.collect()] == [(False, True), (True, True), (False, False)]


def test_no_condition_is_null_for_a_null(spark: Any) -> None:
    frame = spark.range(1).select(F.lit(None).cast("string").alias("v"))
    row = frame.select(*[condition(F.col("v")).alias(name) for name, condition in SOUND.items()]).collect()[0].asDict()
    assert row == dict.fromkeys(SOUND, False)


@pytest.mark.parametrize("notation", ["an18", "an..20", "an2..4", "a..3", "n6", "n..6,2", "a.."])
def test_format_of_texts_is_that_of_the_elements(spark: Any, notation: str) -> None:
    values = [
        "张三",
        "𠮷祥",
        "１２３",
        "123456",
        "12345",
        "1234.56",
        "-1.5",
        "1.234",
        "a\n",
        "\n",
        "abcd",
        "x" * 18,
        "x" * 21,
        "007.5",
    ]
    frame = spark.createDataFrame([(v,) for v in values], "v string")
    found = {r["v"]: r["ok"] for r in frame.select("v", has_format(F.col("v"), notation).alias("ok")).collect()}
    assert found == {v: parse_format(notation).accepts(v) for v in values}


def test_format_of_numbers_counts_digits(spark: Any) -> None:
    frame = spark.sql("SELECT * FROM VALUES (9999.99), (10000.00), (-9999.99), (0.001), (-0.0), (null) AS t(v)")
    ok = has_format(F.col("v"), "n..6,2", is_number=True)
    assert [r["ok"] for r in frame.select(ok.alias("ok")).collect()] == [True, False, True, False, True, False]
    with pytest.raises(ValueError, match="type"):
        has_format(F.col("v"), "YYYYMMDD")


def test_division_at_a_date_and_dates_in_order(spark: Any) -> None:
    frame = spark.createDataFrame(
        [("510122", date(2010, 3, 1)), ("510122", date(2026, 3, 1)), ("510122", None), ("x", None)],
        "code string, day date",
    )
    found = frame.select(is_division_on(F.col("code"), F.col("day")).alias("ok")).collect()
    assert [r["ok"] for r in found] == [True, False, True, False]
    days = spark.sql(
        "SELECT * FROM VALUES (DATE'2020-01-01', null, DATE'2019-01-01'), (DATE'2020-01-01', null, DATE'2020-01-01')"
    )
    ordered = days.select(in_order([F.col(name) for name in days.columns]).alias("ok")).collect()
    assert [r["ok"] for r in ordered] == [False, True]
