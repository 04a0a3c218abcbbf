"""Telephones, former names, addresses, industries, open ends: what departments write, the value, the reason or rule."""

from datetime import date

import pytest

from jobs.runtime.standards import apply_rules
from jobs.runtime.standards.registry import RULES

CASES = {
    "phone": [
        ("13800138000", "13800138000", None, None),
        ("+86 138 0013 8000", "13800138000", None, "phone.form"),
        ("０２８－８５１２３４５６", "028-85123456", None, "phone.form"),
        ("(028)85123456转801", "028-85123456-801", None, "phone.form"),
        ("0816-2345678-1", "0816-2345678-1", None, None),
        ("010-6552-9988", "010-65529988", None, "phone.form"),
        ("+86-28-85123456", "028-85123456", None, "phone.form"),
        ("400-800-1234", "4008001234", None, "phone.form"),
        ("+852 2123 4567", "+85221234567", None, "phone.form"),
        ("85123456", None, "PHONE_AREA_MISSING", None),
        ("1380013800", None, "PHONE_FORMAT", None),
        ("028-85123456/13800138000", None, "PHONE_FORMAT", None),
        ("无", None, None, "phone.form"),
    ],
    "current_name": [
        ("甲有限公司（原乙有限公司）", "甲有限公司", None, "name.current"),
        ("甲集团有限公司（原甲有限公司(集团)）", "甲集团有限公司", None, "name.current"),
        ("示范甲（曾用名：示范乙）", "示范甲", None, "name.current"),
        ("成都（原野）公司", "成都(原野)公司", None, "name.clean"),
        ("甲公司（吸收合并原乙有限公司）", "甲公司(吸收合并原乙有限公司)", None, "name.clean"),
    ],
    "former_name": [
        ("甲有限公司（原乙有限公司）", "乙有限公司", None, "name.former"),
        ("甲集团有限公司（原甲有限公司(集团)）", "甲有限公司(集团)", None, "name.former"),
        ("示范甲（曾用名：示范乙）", "示范乙", None, "name.former"),
        ("甲公司(原名:乙公司", "乙公司", None, "name.former"),
        ("成都（原野）公司", None, None, None),
        ("甲有限公司", None, None, None),
    ],
    "address_division": [
        ("四川省绵阳市涪城区长虹大道南段106号", "510703", None, "address.division"),
        ("成都市武侯区武科西四路9号", "510107", None, "address.division"),
        ("武侯区武科西四路", "510107", None, "address.division"),
        ("四川省简阳市射洪坝", "510185", None, "address.division"),
        ("四川成都武侯区一环路", "510107", None, "address.division"),
        ("凉山州西昌市航天大道", "513401", None, "address.division"),
        ("北京市朝阳区建国路1号", "110105", None, "address.division"),
        ("北京市市辖区朝阳区建国路1号", "110105", None, "address.division"),
        ("吉林市船营区解放路", "220204", None, "address.division"),
        ("乌鲁木齐市新市区北京路", "650104", None, "address.division"),
        ("兰州市城关区", "620102", None, "address.division"),
        ("成都市高新区天府大道", "510100", None, "address.division"),
        ("朝阳区建国路", None, None, None),
        ("北京路12号", None, None, None),
    ],
    "address_rest": [
        ("四川省绵阳市涪城区长虹大道南段106号", "长虹大道南段106号", None, "address.rest"),
        ("朝阳区建国路", "朝阳区建国路", None, None),
        ("四川省绵阳市", None, None, None),
    ],
    "industry": [
        ("C13", "13", None, "industry.form"),
        ("a1", "01", None, "industry.form"),
        ("C1311", "1311", None, "industry.form"),
        ("A111", "0111", None, "industry.form"),
        ("111", "111", None, None),
        ("13.0", "13", None, "industry.form"),
        ("B13", "13", "INDUSTRY_SECTION_CONTRADICTS", "industry.form"),
        ("9999", "9999", "CODE_UNKNOWN", None),
        ("制造业", "制造业", "INDUSTRY_FORMAT", None),
    ],
    "date": [
        ("45536", date(2024, 9, 1), None, "date.serial"),
        ("45536.75", date(2024, 9, 1), None, "date.serial"),
        ("98年9月1日", date(1998, 9, 1), None, "date.two_digit_year"),
        ("24-9-1", None, "DATE_CENTURY_MISSING", None),
        ("2024年9月", None, "DATE_DAY_MISSING", None),
        ("12345", None, "DATE_SERIAL_IMPLAUSIBLE", None),
        ("长期", None, None, "date.open_end"),
        ("9999/12/31", None, None, "date.sentinel"),
        ("2024-09-01", date(2024, 9, 1), None, None),
    ],
}  # fmt: skip
"""Standard → (raw, value, reason, id of the rule that changed it)."""


@pytest.mark.parametrize("standard", CASES)
def test_forms_that_departments_write(spark, standard):
    cases = CASES[standard]
    frame = spark.createDataFrame([(i, case[0]) for i, case in enumerate(cases)], "i int, raw string")
    judged = apply_rules(frame, {"raw": RULES[standard]}).selectExpr(
        "i", "raw__value v", "raw__problem p", "raw__rule r"
    )
    found = {row["i"]: (row["v"], row["p"], row["r"]) for row in judged.collect()}
    assert len(found) == len(cases) >= 3
    assert [(case[0], *found[i]) for i, case in enumerate(cases)] == cases
