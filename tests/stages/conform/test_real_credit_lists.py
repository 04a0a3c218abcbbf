"""The real credit lists of the transport department, code by code; skipped where the folder is not there."""

import csv
import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from pyspark.sql import functions as F
from stdnum.cn import uscc as stdnum_uscc

from catalog.control.findings import list_findings
from catalog.control.ledger import ledger_entries
from catalog.control.session import session_scope
from catalog.model.layers import set_aside_of, table_of
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from tests.real_lists import real_lists_folder

LISTS = {
    "legal_entity.sichuan_transport_credit": ("transport/sichuan_transport_credit.gbk.csv", "social_code"),
    "legal_entity.highway_credit": ("transport/national_highway_credit.gbk.csv", "creditCode"),
}
LEAST = {
    "legal_entity.sichuan_transport_credit": {
        "USCC_IS_ORGANISATION_CODE": 2250, "USCC_SPREADSHEET": 1505, "USCC_IS_REGISTRATION_NUMBER": 230,
        "USCC_LENGTH": 250, "USCC_CHECKSUM": 220, "USCC_LETTER": 40,
        "USCC_FORMAT": 50, "USCC_PLACEHOLDER": 12,
    },
    "legal_entity.highway_credit": {"USCC_SPREADSHEET": 4300, "USCC_LETTER": 6, "USCC_CHECKSUM": 4},
}  # fmt: skip
"""Resource → reason code → at least so many rows."""


@pytest.fixture
def real_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = real_lists_folder()
    monkeypatch.setenv("SOURCE_REAL_DATA", f"file:{folder}")
    get_settings.cache_clear()
    return folder


def codes_as_written(path: Path, heading: str) -> list[str]:
    """Return the codes of a list in half-width capitals, read without any code of the pipeline."""
    with path.open(encoding="gb18030", newline="") as file:
        raws = [row[heading] or "" for row in csv.DictReader(file)]
    return [unicodedata.normalize("NFKC", raw).upper().strip().rstrip(".").strip() for raw in raws]


@pytest.mark.parametrize("resource", sorted(LISTS))
def test_valid_codes_are_accepted_and_every_other_has_its_reason(stack, spark, real_data, resource):
    from jobs.conform.stage import conform
    from jobs.extract.stage import extract

    extract(resource)
    conform(resource)

    name, heading = LISTS[resource]
    written = codes_as_written(real_data / name, heading)
    valid = Counter(re.sub("[ -]", "", code) for code in written if stdnum_uscc.is_valid(code))
    assert sum(valid.values()) > 10_000

    contract = get_registry().get(resource)
    silver = spark.read.format("delta").load(table_of(contract).uri).select("uscc").collect()
    aside = spark.read.format("delta").load(set_aside_of(contract).uri)
    accepted = Counter(row["uscc"] for row in silver if row["uscc"] is not None)
    reasons = aside.select(F.explode("places").alias("place"), F.col("_row.uscc").alias("raw"))
    reasons = reasons.where("place.column = 'uscc'").selectExpr("raw", "place.reason AS reason").collect()
    counts = Counter(row["reason"] for row in reasons)

    assert accepted == valid
    assert not {row["raw"] for row in reasons} & set(valid)
    assert {code: n for code, n in LEAST[resource].items() if counts[code] < n} == {}
    assert set(counts) <= {f"USCC_{kind}" for kind in (
        "IS_ORGANISATION_CODE", "SPREADSHEET", "IS_REGISTRATION_NUMBER", "LENGTH", "CHECKSUM", "HEADING",
        "PLACEHOLDER", "FORMAT", "LETTER", "MASKED", "CHARACTERS_LOST", "IS_CITIZEN_ID",
    )}  # fmt: skip
    for row in reasons:
        if row["raw"] == heading:
            assert row["reason"] == "USCC_HEADING"
        elif re.fullmatch(r"[0-9.]+E\+[0-9]+", row["raw"]) or re.fullmatch(r"[0-9]{15}000", row["raw"]):
            assert row["reason"] == "USCC_SPREADSHEET"
        elif re.fullmatch(r"[0-9A-Z]{8}[-—－]?[0-9X]", row["raw"]):
            assert row["reason"] == "USCC_IS_ORGANISATION_CODE"
    with session_scope() as session:
        entries = ledger_entries(session, resource=resource, stage="conform")
        repeated = [f for f in list_findings(session, resource=resource) if f.reason_code == "REPEATED_HEADER"]
    assert bool(repeated) == (heading.upper() in written), "a repeated header is met before its row is judged"
    assert sum(e.read for e in entries) == sum(e.accepted + e.set_aside for e in entries) > 14_000
