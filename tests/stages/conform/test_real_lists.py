"""Capital, former names and dates of the real lists, counted against a plain reading; skipped where they are absent."""

import csv
import io
import re
import tarfile
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.model.registry import get_registry
from jobs.conform.judge import judge
from jobs.extract.bronze import bronze_columns
from jobs.extract.header import names_of
from jobs.runtime.spark import expect_rows
from tests.real_lists import real_lists_folder

pytestmark = pytest.mark.long

REGISTRY, WATER, GEOHAZARD = (
    "legal_entity.registry_sichuan",
    "licence.water_qualification",
    "legal_entity.geohazard_credit",
)


@pytest.fixture(scope="module")
def real_data() -> Path:
    return real_lists_folder()


def judged(spark, tmp_path, resource, rows):
    """Return ``rows`` (source heading → text) as judged by the contract."""
    contract = get_registry().get(resource)
    names = names_of(contract)
    columns = {names[heading]: [row[heading] for row in rows] for heading in rows[0] if heading in names}
    nulls = {name: [None] * len(rows) for name, _, _ in bronze_columns(contract) if name not in columns}
    columns |= nulls | {"_row_number": list(range(len(rows))), "_operation": ["U"] * len(rows)}
    columns |= {"_source_file": ["list.csv"] * len(rows)}
    for key in set(contract.source.key) & set(nulls):
        columns[key] = [str(i) for i in range(len(rows))]
    expect_rows(spark, len(rows))
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table(columns), path)
    return judge(spark.read.parquet(path.as_uri()), contract, None)


def listed(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="gb18030", newline="") as file:
        return list(csv.DictReader(file))


def test_capital_of_the_registry_is_read_to_amount_and_currency(spark, tmp_path, real_data):
    rows: list[dict[str, str]] = []
    with tarfile.open(real_data / "market_regulation" / "registry_sichuan_1978_2019.tar.xz") as archive:
        for member in archive:
            if member.name.endswith(".csv"):
                text = archive.extractfile(member).read().decode("utf-8-sig")
                rows += csv.DictReader(io.StringIO(text))
    assert len(rows) == 107_803
    stated = [i for i, row in enumerate(rows) if re.search("[0-9]", row["注册资金"])]
    assert len(stated) == 76_574
    found = judged(spark, tmp_path, REGISTRY, rows).selectExpr(
        "_row_number AS i", "capital_amount AS amount", "capital_currency_code AS currency", "_flags AS flags",
        "address_division_code AS division",
    ).toArrow()  # fmt: skip
    by_row = {row["i"]: row for row in found.to_pylist()}
    read = [i for i in stated if by_row[i]["amount"] is not None and by_row[i]["currency"]]
    assert len(read) >= 0.999 * len(stated)
    reasons = {"MONEY_FORMAT", "MONEY_UNIT_MISSING", "CURRENCY_UNKNOWN", "MONEY_PRECISION"}
    unread = set(range(len(rows))) - set(read)
    without = [i for i in unread if not reasons & set(by_row[i]["flags"])]
    assert {rows[i]["注册资金"] for i in without} == {"N/A", "万人民币"}
    for i in read:
        figure = re.match(r"[0-9,]+(\.[0-9]+)?", rows[i]["注册资金"])[0].replace(",", "")
        scale = 10_000 if "万" in rows[i]["注册资金"] else 1
        assert by_row[i]["amount"] == Decimal(figure) * scale
    foreign = {"美": "USD", "港": "HKD", "欧": "EUR", "日元": "JPY", "马克": "DEM", "新加坡": "SGD", "英镑": "GBP"}
    for i in read:
        expected = next((code for word, code in foreign.items() if word in rows[i]["注册资金"]), "CNY")
        assert by_row[i]["currency"] == expected, rows[i]["注册资金"]
    addressed = [i for i, row in enumerate(rows) if row["注册地址"] not in ("", "N/A")]
    assert sum(by_row[i]["division"] is not None for i in addressed) > 0.5 * len(addressed)


def test_former_names_of_the_water_list_come_out(spark, tmp_path, real_data):
    rows = listed(real_data / "water" / "anhui_water_construction_qualification.gbk.csv")
    stated = {i: row["unit_name"] for i, row in enumerate(rows) if re.search(r"[（(]\s*原", row["unit_name"])}
    assert len(stated) == 540
    found = judged(spark, tmp_path, WATER, rows).where("former_name IS NOT NULL")
    found = {
        r["i"]: r for r in found.selectExpr("_row_number AS i", "company_name", "former_name", "_changes").collect()
    }
    assert set(found) == set(stated)
    for i, raw in stated.items():
        plain = raw.replace("（", "(").replace("）", ")").replace(" ", "").replace("　", "")
        former = found[i]["former_name"]
        assert len(former) >= 4 and former in plain and not former.endswith("(")
        assert plain.startswith(found[i]["company_name"].split("(")[0]) and "(原" not in found[i]["company_name"]
        rules = {change["column"]: (change["raw"], change["rule"]) for change in found[i]["_changes"]}
        assert rules["company_name"] == (raw, "name.current") and rules["former_name"] == (raw, "name.former")


def test_dates_of_the_geohazard_list_are_read(spark, tmp_path, real_data):
    rows = listed(real_data / "natural_resources" / "sichuan_geohazard_credit.gbk.csv")
    found = judged(spark, tmp_path, GEOHAZARD, rows).selectExpr("_row_number AS i", "rated_date").collect()
    dates = {r["i"]: r["rated_date"] for r in found}
    assert len(dates) == 407
    stated = {i: row["rating_time"] for i, row in enumerate(rows) if row["rating_time"]}
    assert len(stated) == 386
    for i, text in stated.items():
        assert (dates[i].year, dates[i].month, dates[i].day) == tuple(int(part) for part in text.split("-"))
