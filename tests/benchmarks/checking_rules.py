"""The 25 rules of the case ``checking``, three times: for this project and GX, by hand, and for cuallee."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cuallee import Check, CheckLevel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.model.codes import load_code_list
from catalog.model.ids import citizen_id, division, uscc
from expectations.custom import IDENTIFIERS, ExpectColumnValuesToHaveElementFormat, ExpectDatesToBeInOrder
from expectations.gx import Expectation, gxe
from expectations.rule import Rule
from jobs.runtime.standards.soundness import SOUND

REQUIRED = ("uscc", "company_name", "representative_citizen_id", "division_code", "registered_date", "record_no")
IDENTIFIED = {
    "uscc": "uscc",
    "organisation_code": "organisation_code",
    "representative_citizen_id": "citizen_id",
    "division_code": "division",
}
FORMS = {"uscc": uscc.PATTERN, "representative_citizen_id": citizen_id.PATTERN, "division_code": division.PATTERN}
CODES = {"representative_sex_code": "sex", "enterprise_kind_code": "enterprise_kind", "currency_code": "currency"}
EARLIEST, LATEST = datetime(1900, 1, 1), datetime(2026, 3, 1)
LARGEST = 10**12


def as_expectations() -> list[Expectation]:
    """Return the rules as the gate and GX take them."""
    made: list[tuple[type[Expectation], dict[str, Any]]] = [
        (gxe.ExpectTableRowCountToBeBetween, {"min_value": 1}),
        (gxe.ExpectColumnTypeToBe, {"column": "capital", "type_": "DecimalType"}),
        (gxe.ExpectColumnValuesToBeUnique, {"column": "record_no"}),
        *[(gxe.ExpectColumnValuesToNotBeNull, {"column": name}) for name in REQUIRED],
        *[(IDENTIFIERS[standard], {"column": name}) for name, standard in IDENTIFIED.items()],
        *[(gxe.ExpectColumnValuesToMatchRegex, {"column": name, "regex": form}) for name, form in FORMS.items()],
        *[
            (gxe.ExpectColumnValuesToBeInSet, {"column": name, "value_set": codes_of(codes)})
            for name, codes in CODES.items()
        ],
        *[
            (gxe.ExpectColumnValuesToBeBetween, {"column": name, "min_value": EARLIEST, "max_value": LATEST})
            for name in ("birth_date", "registered_date")
        ],
        (gxe.ExpectColumnValuesToBeBetween, {"column": "capital", "min_value": 0, "max_value": LARGEST}),
        (ExpectDatesToBeInOrder, {"column_list": ["registered_date", "valid_to_date"]}),
        (ExpectDatesToBeInOrder, {"column_list": ["birth_date", "valid_to_date"]}),
        (ExpectColumnValuesToHaveElementFormat, {"column": "company_name", "notation": "an..200"}),
    ]
    words = [Rule(f"bench.r{n:02}", "warn", "业务规则", "应当", "must", "bench").arguments for n in range(len(made))]
    return [kind(**arguments, **said) for (kind, arguments), said in zip(made, words, strict=True)]


def codes_of(code_list: str) -> list[str]:
    """Return the canonical codes of a list."""
    return sorted(load_code_list(code_list).canonical_codes)


def by_hand(frame: DataFrame) -> dict[str, int]:
    """Return the failing rows of each row rule from one aggregate as a careful engineer writes it, and of the key.

    It counts, and does no more: no quarantine, no failing keys.
    """
    conditions: list[Column] = [F.col(name).isNull() for name in REQUIRED]
    conditions += [~SOUND[standard](F.col(name)) for name, standard in IDENTIFIED.items()]
    conditions += [~F.col(name).rlike(form) for name, form in FORMS.items()]
    conditions += [~F.col(name).isin(*codes_of(codes)) for name, codes in CODES.items()]
    conditions += [~F.col(name).between(F.lit(EARLIEST), F.lit(LATEST)) for name in ("birth_date", "registered_date")]
    conditions += [~F.col("capital").between(0, LARGEST)]
    conditions += [F.col("registered_date") > F.col("valid_to_date"), F.col("birth_date") > F.col("valid_to_date")]
    conditions += [~F.col("company_name").rlike(r"\A[^\x00-\x1f]{1,200}\z")]
    counted = frame.agg(
        F.count(F.lit(1)).alias("rows"), *[F.count_if(c).alias(f"r{n:02}") for n, c in enumerate(conditions, start=3)]
    )
    again = frame.groupBy("record_no").agg(F.count(F.lit(1)).alias("n")).where("n > 1").agg(F.sum("n").alias("r02"))
    row = counted.crossJoin(again).collect()[0].asDict()
    return {f"bench.{name}": int(value or 0) for name, value in row.items() if name != "rows"}


def by_cuallee(frame: DataFrame) -> dict[str, int]:
    """Return the failing rows by cuallee of those rules that it has."""
    check = Check(CheckLevel.WARNING, "bench")
    check.is_unique("record_no")
    for name in REQUIRED:
        check.is_complete(name)
    for name, form in FORMS.items():
        check.has_pattern(name, form)
    for name, codes in CODES.items():
        check.is_contained_in(name, tuple(codes_of(codes)))
    check.is_between("capital", (0, LARGEST))
    return {str(row["rule"]): int(row["violations"]) for row in check.validate(frame).collect()}
